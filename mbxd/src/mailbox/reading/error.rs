//! Why a holder's act was not done.

use crate::access::Denied;
use crate::cipher::{HeaderError, OpenError, StoredFormError};
use crate::keys::KeysError;
use crate::mailbox::base64_text::NotBase64;
use crate::mailbox::manifest::BadManifest;
use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::assurance::Loa;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use std::time::Duration;

/// When trying again makes sense where the store is away or has too much to do.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why a holder's act was not done. Nothing was changed, and nothing given out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HolderError {
    /// The rules do not allow it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The assertion was used before.
    #[error("the assertion was used before")]
    Replayed,
    /// The mailbox holds no such message or part, or it was deleted.
    #[error("no such message")]
    NoMessage,
    /// The condition of the request does not hold, or somebody else changed the message just now.
    #[error("the message changed in the meantime")]
    Changed,
    /// It is not deleted, or its restore window has ended.
    #[error("the message cannot be restored")]
    RestoreOver,
    /// A grant for another act, mailbox or class was given.
    #[error("the grant does not cover this")]
    NotCovered,
    /// Keys cannot be opened.
    #[error("cannot open the mailbox's keys")]
    Keys(#[from] KeysError),
    /// The store cannot read.
    #[error("cannot read the mailbox")]
    Read(#[from] ReadError),
    /// The audit entry could not be written, so the act was not done.
    #[error("cannot record the act")]
    Commit(#[from] CommitError),
    /// A stored row is damaged.
    #[error(transparent)]
    Row(#[from] BadRow),
    /// A content fails its integrity check.
    #[error("cannot open the message")]
    Content(#[from] OpenError),
    /// A content is not whole.
    #[error("cannot read the message's content")]
    Stored(#[from] StoredFormError),
    /// A content's header cannot be read.
    #[error("cannot read the message's content")]
    Header(#[from] HeaderError),
    /// The contents are not those that were delivered.
    #[error("the message's contents are not those that were delivered")]
    ContentRoot,
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// A part is not the base64 that it was when it was delivered.
    #[error(transparent)]
    NotBase64(#[from] NotBase64),
}

impl HolderError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Replayed => Kind::Denied,
            Self::NoMessage => Kind::NotFound,
            Self::Changed | Self::RestoreOver | Self::Commit(CommitError::Expectation { .. }) => {
                Kind::Conflict
            }
            Self::NotCovered => Kind::Internal,
            Self::Keys(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(_)
            | Self::Content(_)
            | Self::Stored(_)
            | Self::Header(_)
            | Self::ContentRoot
            | Self::Manifest(_)
            | Self::NotBase64(_) => Kind::Corrupt,
        }
    }

    /// The stable code for the portal and the audit entry.
    pub const fn code(&self) -> Code {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Replayed => explain::ASSERTION_REPLAYED,
            Self::NoMessage => explain::NO_MESSAGE,
            Self::Changed => explain::MESSAGE_CHANGED,
            Self::RestoreOver => explain::RESTORE_OVER,
            Self::NotCovered
            | Self::Keys(_)
            | Self::Read(_)
            | Self::Commit(_)
            | Self::Row(_)
            | Self::Content(_)
            | Self::Stored(_)
            | Self::Header(_)
            | Self::ContentRoot
            | Self::Manifest(_)
            | Self::NotBase64(_) => explain::generic(self.kind()),
        }
    }

    /// How long the portal should wait before it tries again, where that can help.
    pub const fn retry_after(&self) -> Option<Duration> {
        if let Self::Keys(error) = self {
            return error.retry_after();
        }
        if self.kind().may_retry() { Some(RETRY_AFTER) } else { None }
    }

    /// The level of assurance that would do, where the level stood against it.
    pub const fn needed_level(&self) -> Option<Loa> {
        if let Self::Denied(denied) = self { denied.needed_level() } else { None }
    }

    /// Whether what is stored of a message is altered or gone, so that trying again is no use.
    pub(super) const fn is_damage(&self) -> bool {
        matches!(self.kind(), Kind::Corrupt) || matches!(self, Self::Read(ReadError::NoContent))
    }

    /// Whether the rules or the assertion stood against it, so that it leaves an entry.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Denied(_) | Self::Replayed | Self::NoMessage)
    }
}
