//! The long programmes: each does to mbx, for as long as it is let, what hostile people, failing
//! disks and dying tokens do; every step follows from a seed.
//!
//! `torture --seed 7 --minutes 60` gives each programme its part of the hour, in rounds of the
//! seeds 7, 8, 9 and so on. A finding is one line that names the command that repeats it.

mod clock;
pub mod driver;
mod hsm;
mod network;
pub mod programme;
mod resources;
mod scene;
mod soak;
mod tls;
mod xml;

use programme::Programme;

/// All programmes, in the order in which they run.
pub const PROGRAMMES: &[Programme] = &[
    xml::XML,
    hsm::HSM,
    network::NETWORK,
    tls::TLS,
    clock::CLOCK,
    resources::RESOURCES,
    soak::SOAK,
];
