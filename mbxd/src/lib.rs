//! The mailbox operator's daemon. `docs/architecture.md` tells which room does what.

pub mod access;
pub mod approval;
pub mod audit;
pub mod cipher;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod delivery;
pub mod health;
pub mod holder;
pub mod hsm;
pub mod https;
pub mod jobs;
pub mod keys;
pub mod mailbox;
pub mod operators;
pub mod peers;
pub mod random;
pub mod registers;
pub mod scan;
pub mod store;
pub mod telemetry;
pub mod trust;
