//! Readiness, metrics, watchdog.
//!
//! One readiness per ability: deliver, read, admin. Served on this machine alone, never on the
//! authorities' or the portal's door.

mod ability;
mod gauges;
mod server;
mod token;

pub use ability::{Abilities, Ability, Health};
pub use server::Probes;
