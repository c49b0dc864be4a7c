//! Checking a log, or an export of it, against its own tree and against what was kept outside.
//!
//! Needs no daemon, no HSM and no clock: bytes and keys in, a report out.

mod chain;
mod export;
mod finding;
mod read;

pub use chain::{Chain, Expected, Live, Source};
pub use export::{ExportVerifier, Trust, VerifyError, verify_export};
pub use finding::{Finding, Findings, Report};

#[cfg(test)]
mod tests;
