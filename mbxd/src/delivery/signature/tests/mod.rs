//! Tests of the room.

mod canonical;
mod hostile_algorithms;
mod hostile_independent;
mod hostile_keys;
mod hostile_references;
mod hostile_wrapping;
pub(in crate::delivery) mod interop;
mod samples;
pub(in crate::delivery) mod signer;
