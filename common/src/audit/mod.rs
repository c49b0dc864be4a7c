//! The audit log as every party sees it: entries, tree, checkpoints, offline verification.

pub mod entry;
pub mod event;
pub mod origin;

pub use entry::{Actor, Entry, Fact, Outcome, Peer, Subject};
pub use event::Event;
pub use origin::Origin;
