//! Why something with the audit log did not work.

use crate::hsm::CustodyError;
use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::audit::checkpoint::{BadKey, NoteError};
use mbx_common::error::Kind;

/// Why the log could not be read out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The store could not read.
    #[error("cannot read the audit log")]
    Read(#[from] ReadError),
    /// The entry that tells of the reading could not be written, so nothing is shown.
    #[error("cannot record that the audit log is read")]
    Commit(#[from] CommitError),
    /// A row of checkpoints cannot be read.
    #[error("a stored checkpoint is damaged")]
    Row(#[from] BadRow),
    /// An entry cannot be read.
    #[error("entry {position} of the audit log is damaged")]
    Entry {
        /// Where.
        position: u64,
    },
    /// The log is not what was signed.
    #[error("the audit log is not what was signed")]
    Violated,
    /// No checkpoint covers the period yet: the HSM has not signed one.
    #[error("no checkpoint covers the period yet")]
    NoCheckpoint,
    /// The period ends before it begins.
    #[error("the period ends before it begins")]
    Period,
    /// A file of the export would have 8 GiB or more.
    #[error("the period holds too much for one export; export shorter ones")]
    TooLarge,
}

impl AuditError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(error) => error.kind(),
            Self::Entry { .. } | Self::Violated => Kind::Corrupt,
            Self::NoCheckpoint => Kind::Unavailable,
            Self::Period | Self::TooLarge => Kind::Usage,
        }
    }
}

/// Why no checkpoint was signed. It is tried again by itself.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The installation has no signing key yet.
    #[error("there is no signing key yet")]
    NoKey,
    /// The token did not sign.
    #[error("the HSM did not sign the checkpoint")]
    Custody(#[from] CustodyError),
    /// The token's signature does not hold under the token's own public key.
    #[error("the HSM's signature does not hold")]
    Signature(#[from] NoteError),
    /// The token signs with another key than signed checkpoints under this id before.
    #[error("the HSM's signing key is another than the one that signed before under its id")]
    OtherKey,
    /// The configured name of the log cannot stand in a checkpoint.
    #[error("the name of the log cannot stand in a checkpoint")]
    Origin(#[from] BadKey),
    /// The log could not be read or written, or is not what was signed.
    #[error("the log could not be followed")]
    Audit(#[from] AuditError),
}

impl CheckpointError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoKey => Kind::Unavailable,
            Self::Custody(error) => error.kind(),
            Self::Signature(_) | Self::OtherKey => Kind::Corrupt,
            Self::Origin(_) => Kind::Usage,
            Self::Audit(error) => error.kind(),
        }
    }
}
