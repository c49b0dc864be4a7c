//! The audit log as every party sees it: entries, tree, checkpoints, offline verification.

pub mod checkpoint;
mod codec;
mod decode;
mod encode;
pub mod entry;
pub mod event;
pub mod export;
pub mod origin;
mod text;
pub mod tree;
pub mod verify;

pub use codec::DecodeError;
pub use entry::{Actor, Entry, Fact, Outcome, Peer, Subject};
pub use event::Event;
pub use origin::Origin;
pub use text::BadReference;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
