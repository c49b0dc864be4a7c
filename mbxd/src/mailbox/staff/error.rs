//! Why staff did not get what they asked for.

use crate::keys::KeysError;
use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::holder::MailboxState;

/// Why staff did not get what they asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaffError {
    /// No mailbox has this id or number.
    #[error("no such mailbox")]
    NoMailbox,
    /// No delivery has this id.
    #[error("no such delivery")]
    NoDelivery,
    /// It is suspended, closing or active already.
    #[error("the mailbox is {state}")]
    State {
        /// The state it is in.
        state: MailboxState,
    },
    /// Somebody else changed the mailbox at the same time.
    #[error("the mailbox was changed in the meantime")]
    Changed,
    /// The keys.
    #[error("cannot look into the register")]
    Keys(#[from] KeysError),
    /// The store cannot read.
    #[error("cannot read the mailboxes")]
    Read(#[from] ReadError),
    /// The store cannot write.
    #[error("cannot store the change")]
    Commit(#[from] CommitError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] BadRow),
}

impl StaffError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoMailbox | Self::NoDelivery => Kind::NotFound,
            Self::State { .. } | Self::Changed => Kind::Conflict,
            Self::Keys(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(error) => error.kind(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoMailbox => explain::NO_MAILBOX,
            Self::NoDelivery => explain::NO_DELIVERY,
            Self::State { .. } => explain::MAILBOX_STATE,
            Self::Changed | Self::Keys(_) | Self::Read(_) | Self::Commit(_) | Self::Row(_) => {
                explain::generic(self.kind())
            }
        }
    }
}
