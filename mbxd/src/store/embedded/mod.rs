//! The embedded engine: an append-only log with everything in it, and an index over it.
//!
//! One committer thread (`committer`) writes units of work in groups: one vectored write, one
//! sync, then the index, which is not synced: what it lost in a crash it takes in again from the
//! log (`open`). Readers go through the index to the segments and never wait for a sync.
//! `docs/formats/log.md` draws every byte.

mod above;
mod aside;
mod check;
mod committer;
mod engine;
mod error;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod index;
mod index_file;
mod index_sums;
mod judge;
mod layers;
mod open;
mod options;
mod place;
mod progress;
mod queue;
mod rebuild;
mod record;
mod recovery;
mod segment;
mod shared;
mod space;
mod take_in;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

pub use engine::Embedded;
pub use error::OpenError;
pub use rebuild::{RebuildProgress, rebuild_index};
