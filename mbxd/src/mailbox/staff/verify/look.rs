//! One verification from end to end.

use super::finding::{Verified, VerifyError};
use super::log::{self, Log};
use super::progress::Progress;
use super::rows::Rows;
use super::scope::Scope;
use crate::mailbox::service::Mailboxes;

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
