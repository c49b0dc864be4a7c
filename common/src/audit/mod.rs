//! The audit log as every party sees it: entries, tree, checkpoints, offline verification.

pub mod checkpoint;
mod codec;
mod decode;
mod encode;
pub mod entry;
pub mod event;
pub mod origin;
pub mod tree;

pub use codec::DecodeError;
pub use entry::{Actor, Entry, Fact, Outcome, Peer, Subject};
pub use event::Event;
pub use origin::Origin;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
