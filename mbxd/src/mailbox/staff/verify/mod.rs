//! Mailboxes proven whole, without a key: rows, contents and audit log tell the same.
//!
//! Rows against rows: every message has its place row and its delivery, with the same class and
//! content root. Contents against rows: each content is there, passes the store's checksums, and
//! the content root recomputed from headers and tags is the stored one. Log against rows: what an
//! entry says was delivered is there or was erased by a later entry, and no message is there that
//! no entry tells of.

mod finding;
mod log;
mod rows;

pub use finding::{Fault, Finding, Verified, VerifyError};

use crate::mailbox::service::Mailboxes;
use crate::store::Changes;
use log::Log;
use mbx_common::audit::{Event, Fact, Origin, Outcome, Subject};
use mbx_common::id::MailboxId;
use rows::Rows;

/// What is to be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Scope {
    /// One mailbox, or all.
    mailbox: Option<MailboxId>,
    /// Of how many deliveries in a hundred the contents are read.
    sample_pct: u8,
}

impl Scope {
    fn covers(self, mailbox: MailboxId) -> bool {
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
    }
}

impl Mailboxes {
    /// Verifies one mailbox, or all; `sample_pct` (1–100) bounds how many deliveries' contents are
    /// read. Leaves one entry with what it found.
    ///
    /// Reads the whole audit log. Memory: some 60 bytes for each mailbox in scope.
    ///
    /// # Errors
    /// [`VerifyError`] where it could not be carried through; what is wrong is in
    /// [`Verified::findings`].
    pub async fn verify(
        &self,
        mailbox: Option<MailboxId>,
        sample_pct: u8,
        origin: &Origin,
    ) -> Result<Verified, VerifyError> {
        let scope = Scope { mailbox, sample_pct: sample_pct.clamp(1, 100) };
        if let Some(id) = mailbox
            && self.mailbox_row(id).await?.is_none()
        {
            return Err(VerifyError::NoMailbox);
        }
        let mut verified = Verified::default();
        let rows = Rows::read(self, scope, &mut verified).await?;
        let log = Log::compare(self, scope, &mut verified).await?;
        let unequal = rows.unequal(&log);
        if !unequal.is_empty() {
            log::find_untold(self, &unequal, &mut verified).await?;
        }
        let outcome = if verified.faults == 0 { Outcome::Done } else { Outcome::Failed };
        let mut entry = origin
            .entry(self.now(), Event::MailboxVerified)
            .outcome(outcome)
            .fact(Fact::Count(verified.messages))
            .fact(Fact::Count(verified.faults));
        if let Some(id) = mailbox {
            entry = entry.about(Subject::Mailbox(id));
        }
        self.store().commit(Changes::new(), entry).await?;
        Ok(verified)
    }
}
