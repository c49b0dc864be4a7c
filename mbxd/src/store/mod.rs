//! Everything the daemon persists, behind one seam: whole units of work in, rows and content out.
//!
//! The store sees opaque bytes and audit entries, never a key.

pub mod back_end;
mod bytes_at;
mod change;
pub mod embedded;
mod engine;
pub mod memory;
pub mod records;
mod row;

pub use change::{Change, Changes, Expectation, Table};
pub use engine::{
    BoxFuture, Checked, CommitError, Committed, Engine, Health, KeyRange, NewContent, Page,
    ReadError, Space, Stats, Store,
};
pub use row::{BadRow, Row};
