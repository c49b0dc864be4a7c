//! The audit log as the daemon keeps it: signed checkpoints, self-check, search, export (K3.3,
//! K4.8, K4.9).
//!
//! Entries get into the log by `Store::commit` alone, in the unit of work that they tell of; this
//! room never writes any of another's. It signs how far the log has come, proves that nothing was
//! changed since, and reads it out; reading it is itself an entry.

mod checkpoint;
mod error;
mod export;
#[doc(hidden)]
pub mod fuzzing;
mod integrity;
mod log;
mod row;
mod search;
mod signing;
mod span;
mod verify;

pub use error::{AuditError, CheckpointError};
pub use export::{Export, Form};
pub use integrity::Integrity;
pub use log::{AuditLog, Options, Signer};
pub use search::{Found, Query, Row, Tail};
pub use signing::CheckpointStatus;

#[cfg(test)]
mod tests;
