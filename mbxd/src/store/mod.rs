//! Everything the daemon persists, behind one seam: whole units of work in, rows and content out.
//!
//! The store sees opaque bytes and audit entries, never a key.

mod change;
mod engine;
pub mod memory;

pub use change::{Change, Changes, Expectation, Table};
pub use engine::{
    BoxFuture, CommitError, Committed, Engine, KeyRange, NewContent, Page, ReadError, Space, Store,
};
