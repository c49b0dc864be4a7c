//! A disk in memory that does to its user what real ones do: forgets what was not synced, tears
//! writes at sector borders, fails, fills up. For tests of everything above it.

mod disk;
mod state;

#[cfg(test)]
mod tests;

pub use disk::{Fault, Probe, SimulatedDisk};
pub use state::Snapshot;
