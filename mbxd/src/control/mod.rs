//! The control socket: what mbxctl asks, as HTTP over a Unix socket.
//!
//! An edge: it knows who asks (the kernel's uid, a session), whether the route table lets them
//! (`mbx_common::control::route`), and translates between the API's types and the rooms'. It
//! decides nothing about mailboxes, keys or people. Every route but three needs a session; a route
//! that is not in the table does not exist. One file per noun of mbxctl.

mod answer;
mod ask;
mod audit;
mod certificate;
mod config;
mod delivery;
mod dispatch;
mod door;
mod escape;
#[doc(hidden)]
pub mod fuzzing;
mod held;
mod hsm;
mod job;
mod key;
mod listen;
mod mailbox;
mod query;
mod refusal;
mod rooms;
mod sender;
mod session;
mod setup;
mod short_id;
mod status;
mod user;
mod version;

pub use door::Door;
pub use listen::{BindError, bind};
pub use rooms::{Ability, Rooms, Vitals};

#[cfg(test)]
mod openapi;
#[cfg(test)]
mod tests;
