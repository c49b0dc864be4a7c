//! Why the store did not do or find something.

use super::change::Table;
use bytes::Bytes;
use mbx_common::error::Kind;

/// Why a unit of work was not done. In every case nothing of it was.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// An expectation did not hold.
    #[error("the state changed in the meantime")]
    Expectation {
        /// Which table's expectation failed.
        table: Table,
        /// The key.
        key: Bytes,
        /// The row that stands there, where there is one.
        found: Option<Bytes>,
    },
    /// The disk is below the watermark for this kind of work.
    #[error("the disk is almost full")]
    SpaceLow,
    /// The log could not be written or synced; the engine reopens by itself.
    #[error("the store cannot write")]
    Unavailable,
    /// The queue is full.
    #[error("the store has too much to do")]
    Busy,
    /// The unit is larger than the log admits.
    #[error("the unit of work is too large")]
    TooLarge,
    /// A content of this id is stored already: ids are random and never used twice.
    #[error("a content with this id is stored already")]
    ContentExists,
    /// The engine was stopped, or refuses to write because stored data is damaged.
    #[error("the store is closed")]
    Closed,
}

impl CommitError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Expectation { .. } => Kind::Conflict,
            Self::SpaceLow | Self::Unavailable | Self::Closed => Kind::Unavailable,
            Self::Busy => Kind::Limit,
            Self::TooLarge => Kind::Usage,
            Self::ContentExists => Kind::Internal,
        }
    }
}

/// Why something could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The row or content fails its checksum or cannot be decoded.
    #[error("stored data is damaged")]
    Damaged,
    /// The disk did not answer.
    #[error("the store cannot read")]
    Unavailable,
    /// No content has this id.
    #[error("no such content")]
    NoContent,
}

impl ReadError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Damaged => Kind::Corrupt,
            Self::Unavailable => Kind::Unavailable,
            Self::NoContent => Kind::NotFound,
        }
    }
}
