//! An append-only file of opaque records, for what must live apart from log and index: the
//! keyring's life secrets.
//!
//! Records are appended in batches, each durable with one sync; a torn last batch, which was never
//! acknowledged, is put aside and cut at opening. Every record carries a checksum over its place and bytes.
//! Bytes: `docs/formats/log.md`, "Record file".

mod file;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod tail;
#[cfg(test)]
mod tests;

pub use file::{Records, RecordsError, ScanPage};
pub use frame::{BATCH_RECORDS_MAX, RECORD_LEN_MAX};
