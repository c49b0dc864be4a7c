//! The long programmes: each does to mbx, for as long as it is let, what hostile people, failing
//! disks and dying tokens do; every step follows from a seed.
//!
//! `torture --seed 7 --minutes 60` gives each programme its part of the hour, in rounds of the
//! seeds 7, 8, 9 and so on. A finding is one line that names the command that repeats it.

pub mod driver;
pub mod programme;
mod xml;

use programme::Programme;

/// All programmes, in the order in which they run.
pub const PROGRAMMES: &[Programme] = &[Programme {
    name: "xml",
    what: "generated deliveries: what is taken is what both signers signed",
    run: xml::run,
}];
