//! Mailboxes proven whole, without a key: rows, contents and audit log tell the same.
//!
//! Rows against rows: every message has its place row and its delivery, with the same class and
//! content root. Contents against rows: each content is there, passes the store's checksums, and
//! the content root recomputed from headers and tags is the stored one. Log against rows: what an
//! entry says was delivered is there or was erased by a later entry, and no message is there that
//! no entry tells of.

mod finding;
mod job;
mod log;
mod progress;
mod rows;

pub use finding::{Fault, Finding, Verified, VerifyError};
pub use job::{Verifier, verification};
pub(in crate::mailbox) use progress::Progress;

use crate::mailbox::service::Mailboxes;
use log::Log;
use mbx_common::id::MailboxId;
use rows::Rows;

/// What is to be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::mailbox) struct Scope {
    /// One mailbox, or all.
    mailbox: Option<MailboxId>,
    /// Of how many deliveries in a hundred the contents are read.
    sample_pct: u8,
}

impl Scope {
    /// Every mailbox and every content.
    #[cfg(test)]
    pub(in crate::mailbox) const ALL: Self = Self { mailbox: None, sample_pct: 100 };

    fn covers(self, mailbox: MailboxId) -> bool {
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
    }
}

impl Mailboxes {
    /// Verifies what is in scope. Reads the whole audit log. Memory: some 60 bytes for each mailbox
    /// in scope.
    ///
    /// # Errors
    /// [`VerifyError`] where it could not be carried through; what is wrong is in
    /// [`Verified::findings`].
    pub(in crate::mailbox) async fn look(
        &self,
        scope: Scope,
        progress: &Progress<'_>,
    ) -> Result<Verified, VerifyError> {
        let mut verified = Verified::default();
        let rows = Rows::read((self, progress), scope, &mut verified).await?;
        let log = Log::compare((self, progress), scope, &mut verified).await?;
        let unequal = rows.unequal(&log);
        if !unequal.is_empty() {
            log::find_untold(self, &unequal, &mut verified).await?;
        }
        Ok(verified)
    }
}
