//! Long work that can be killed at any line and goes on where it stopped.
//!
//! A job is a row: kind, state, cursor, counts. The room never commits progress by itself: it makes
//! the row's change, and the service commits it with its own rows and its audit entry in one unit of
//! work, so that a cursor never runs ahead of what was done. Followers get each row as it is
//! committed. The room knows nothing about what jobs do.

mod error;
mod handle;
mod job;
mod runner;

pub use error::JobError;
pub use handle::{JobPage, Jobs};
pub use job::{Counts, End, Job, JobKind, JobState, NewJob, Step};
pub use runner::Runner;

#[cfg(test)]
mod tests;
