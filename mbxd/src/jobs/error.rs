//! Why something with a job did not work.

use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::error::Kind;

/// Why something with a job did not work.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// No job has this id.
    #[error("no such job")]
    Unknown,
    /// The job has ended; nothing can be changed of it.
    #[error("the job has ended")]
    Ended,
    /// The job's row cannot be read or written.
    #[error("the job's row is damaged")]
    Row(#[from] BadRow),
    /// The store could not read.
    #[error("cannot read the job")]
    Read(#[from] ReadError),
    /// The store did not commit.
    #[error("cannot write the job")]
    Commit(#[from] CommitError),
}

impl JobError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Ended => Kind::Conflict,
            Self::Row(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }
}
