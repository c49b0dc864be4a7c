//! Why the store does not open.

use super::segment;
use mbx_common::error::Kind;
use std::io::{self, ErrorKind};

/// Why the store could not be opened or its index not rebuilt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The disk failed.
    #[error("the store's files cannot be read or written")]
    Io(#[from] io::Error),
    /// Another process works on the same folder.
    #[error("the store is in use by another process")]
    InUse,
    /// What was durable is damaged: no torn end, which is cut without a word.
    #[error("the log is damaged: {} at byte {offset}", segment::name(*segment))]
    Damaged {
        /// Number of the segment.
        segment: u32,
        /// Byte in its file from which on it cannot be read.
        offset: u64,
    },
    /// A newer program wrote the store.
    #[error("the store has format {found}; this program reads formats up to {known}")]
    Newer {
        /// Format found.
        found: u16,
        /// Newest format known here.
        known: u16,
    },
    /// A segment of another store lies among this one's.
    #[error("{} belongs to another store", segment::name(*segment))]
    Stranger {
        /// Number of the segment.
        segment: u32,
    },
    /// There is a log, but no index of it.
    #[error("the index is missing: index.redb")]
    IndexMissing,
    /// The index cannot be read or belongs to another log.
    #[error("the index is damaged: index.redb")]
    IndexDamaged(#[source] Option<Box<redb::Error>>),
    /// Another program made the index.
    #[error("the index has format {found}; this program reads formats up to {known}")]
    IndexFormat {
        /// Format found.
        found: u8,
        /// The format of this program.
        known: u8,
    },
    /// There is an index, but its log is not there.
    #[error("the log is missing: the index knows {lsn} units of work")]
    LogMissing {
        /// Last unit that the index knows.
        lsn: u64,
    },
    /// The segment is not there in which the index's last unit of work stands.
    #[error("{} is missing; the index knows {lsn} units of work", segment::name(*segment))]
    SegmentMissing {
        /// Number of the segment.
        segment: u32,
        /// Last unit that the index knows.
        lsn: u64,
    },
}

impl OpenError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Io(_) => Kind::Unavailable,
            Self::InUse => Kind::Conflict,
            Self::Damaged { .. }
            | Self::Stranger { .. }
            | Self::IndexMissing
            | Self::IndexDamaged(_)
            | Self::LogMissing { .. }
            | Self::SegmentMissing { .. } => Kind::Corrupt,
            Self::Newer { .. } | Self::IndexFormat { .. } => Kind::Usage,
        }
    }

    /// Whether only the index stands in the way, which can be made again from the log.
    pub(super) const fn is_of_the_index(&self) -> bool {
        match self {
            Self::IndexMissing | Self::IndexDamaged(_) => true,
            Self::IndexFormat { found, known } => *found < *known,
            Self::Io(_)
            | Self::InUse
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::Stranger { .. }
            | Self::LogMissing { .. }
            | Self::SegmentMissing { .. } => false,
        }
    }

    /// Whether trying again later can help.
    pub(super) const fn passes(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

/// A failure of the index's engine.
#[derive(Debug)]
pub(super) struct IndexError(pub(super) Box<redb::Error>);

impl IndexError {
    /// What stands in the index is none of what is written there.
    pub(super) fn senseless(what: &str) -> Self {
        Self(Box::new(redb::Error::Corrupted(format!("{what} makes no sense"))))
    }

    /// Whether the index's file holds what was never written there, or less than there must be.
    pub(super) fn is_damage(&self) -> bool {
        if let redb::Error::Io(error) = &*self.0 {
            return matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
        }
        !matches!(*self.0, redb::Error::PreviousIo | redb::Error::Backend(_))
    }
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        if error.is_damage() {
            Self::IndexDamaged(Some(error.0))
        } else {
            Self::Io(io::Error::other(error.0))
        }
    }
}
