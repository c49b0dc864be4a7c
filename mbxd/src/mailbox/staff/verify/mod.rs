//! Mailboxes proven whole, without a key: rows, contents and audit log tell the same.
//!
//! Rows against rows: every message has its place row and its delivery, with the same class and
//! content root. Contents against rows: each content is there, passes the store's checksums, and
//! the content root recomputed from headers and tags is the stored one. Log against rows: what an
//! entry says was delivered is there or was erased by a later entry, and no message is there that
//! no entry tells of.

mod finding;
mod job;
mod log;
mod look;
mod progress;
mod rows;
mod scope;

pub use finding::{Fault, Finding, Verified, VerifyError};
pub use job::{Verifier, verification};
#[cfg(test)]
pub(in crate::mailbox) use {progress::Progress, scope::Scope};
