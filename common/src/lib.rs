//! What mbxd, mbxctl and an auditor must spell alike.
//!
//! Pure: no I/O, no clock, no randomness, no async. Nothing here can decrypt content.

pub mod assurance;
pub mod audit;
pub mod control;
pub mod error;
pub mod explain;
pub mod find;
pub mod holder;
pub mod id;
pub mod identity;
pub mod limit;
pub mod note;
pub mod role;
pub mod size;
pub mod time;
