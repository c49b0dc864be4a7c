//! The long programmes: each does to mbx, for as long as it is let, what hostile people, failing
//! disks and dying tokens do; every step follows from a seed.
//!
//! `torture --seed 7 --minutes 60` gives each programme its part of the hour, in rounds of the
//! seeds 7, 8, 9 and so on. A finding is one line that names the command that repeats it.
#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a programme that cannot go on panics, and that is a finding"
)]

mod clock;
pub mod driver;
mod hsm;
pub mod kills;
mod network;
pub mod programme;
mod resources;
mod scene;
mod soak;
pub mod storage;
mod tls;
mod xml;

use programme::Programme;

/// All programmes, in the order in which they run.
pub const PROGRAMMES: &[Programme] = &[
    xml::XML,
    storage::power_loss::POWER_LOSS,
    storage::io_faults::IO_FAULTS,
    storage::bit_flips::BIT_FLIPS,
    storage::model::MODEL,
    kills::KILLS,
    hsm::HSM,
    network::NETWORK,
    tls::TLS,
    clock::CLOCK,
    resources::RESOURCES,
    soak::SOAK,
];
