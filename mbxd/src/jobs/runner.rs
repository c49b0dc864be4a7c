//! Who does the work of a kind of job.

use super::job::{Job, JobKind};
use futures_util::future::BoxFuture;

/// Does the jobs of one kind, from wherever their cursor stands.
///
/// A kind without a runner is fed from outside (a file in batches): it waits in `Running`.
pub trait Runner: Send + Sync {
    /// The kind that it does.
    fn kind(&self) -> JobKind;

    /// Works on the job until it ends, committing each step; asks `Jobs::is_cancelled` between
    /// steps. Returning without having ended the job leaves it to the next start.
    fn run(&self, job: Job) -> BoxFuture<'_, ()>;
}
