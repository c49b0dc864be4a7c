//! The mailbox row.

use super::Row;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::PseudonymId;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Row of the *mailbox* table. The holder's number stands in the encrypted register record only.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct MailboxRow {
    /// Byte of the holder's kind.
    kind: u8,
    /// Byte of the state; the directory row says the same and decides about deliveries.
    state: u8,
    /// When it was registered.
    pub(crate) registered: Timestamp,
    /// Since when it has this state.
    pub(crate) since: Timestamp,
    /// Key of its row in the *directory* table, so that its state can be changed there.
    pub(crate) directory_key: Vec<u8>,
    /// Stands for the holder in the audit log.
    pub(crate) pseudonym: PseudonymId,
    /// The encrypted register record: number, terms accepted, when, at which level.
    pub(crate) register: Vec<u8>,
}

impl Row for MailboxRow {
    const VERSION: u8 = 1;
}

/// What a new mailbox row holds.
pub(crate) struct NewMailbox {
    /// The holder's kind.
    pub(crate) kind: HolderKind,
    /// When it is registered.
    pub(crate) registered: Timestamp,
    /// Key of its directory row.
    pub(crate) directory_key: Vec<u8>,
    /// Stands for the holder in the audit log.
    pub(crate) pseudonym: PseudonymId,
    /// The encrypted register record.
    pub(crate) register: Vec<u8>,
}

impl MailboxRow {
    /// The row of a new, active mailbox.
    pub(crate) fn new(new: NewMailbox) -> Self {
        Self {
            kind: new.kind.code(),
            state: MailboxState::Active.code(),
            registered: new.registered,
            since: new.registered,
            directory_key: new.directory_key,
            pseudonym: new.pseudonym,
            register: new.register,
        }
    }

    /// The holder's kind; `None` where a newer version knows more kinds.
    pub(crate) fn kind(&self) -> Option<HolderKind> {
        HolderKind::from_code(self.kind)
    }

    /// The state; `None` where a newer version knows more states.
    pub(crate) fn state(&self) -> Option<MailboxState> {
        MailboxState::from_code(self.state)
    }

    /// The same mailbox in another state.
    pub(crate) fn in_state(&self, state: MailboxState, since: Timestamp) -> Self {
        Self { state: state.code(), since, ..self.clone() }
    }
}
