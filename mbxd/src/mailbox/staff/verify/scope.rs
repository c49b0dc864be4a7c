//! How far a verification goes.

use mbx_common::id::MailboxId;

/// What is to be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::mailbox) struct Scope {
    /// One mailbox, or all.
    pub(super) mailbox: Option<MailboxId>,
    /// Of how many deliveries in a hundred the contents are read.
    pub(super) sample_pct: u8,
}

impl Scope {
    /// Every mailbox and every content.
    #[cfg(test)]
    pub(in crate::mailbox) const ALL: Self = Self { mailbox: None, sample_pct: 100 };

    pub(super) fn covers(self, mailbox: MailboxId) -> bool {
        self.mailbox.is_none_or(|wanted| wanted == mailbox)
    }
}
