//! The mailbox operator's daemon. `docs/architecture.md` tells which room does what.

pub mod access;
pub mod clock;
pub mod config;
pub mod hsm;
pub mod mailbox;
pub mod random;
pub mod store;
