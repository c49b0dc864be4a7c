//! Everything the daemon persists, behind one seam: whole units of work in, rows and content out.
//!
//! The store sees opaque bytes and audit entries, never a key.

mod aside;
pub mod back_end;
mod bytes_at;
mod change;
pub mod embedded;
mod engine;
mod error;
mod floods;
#[doc(hidden)]
pub mod fuzzing;
pub mod memory;
pub mod records;
mod refusals;
mod report;
mod row;

pub use change::{Change, Changes, Expectation, Table};
pub use engine::{Committed, Engine, KeyRange, NewContent, Page, Store};
pub use error::{CommitError, ReadError};
pub use floods::{Admitted, Counted, Floods};
pub use refusals::Refusals;
pub use report::{Checked, Health, Space, Stats};
pub use row::{BadRow, Row};
