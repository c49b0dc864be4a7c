//! Benchmarks.

pub mod counting;
pub mod store;
