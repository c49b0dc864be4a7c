//! What the other ends of a listener may draw out of it: places, given fairly and taken back from
//! who only waits, and time to read what is written for them.

mod holding;
mod pace;
mod places;

pub use holding::Holding;
pub use pace::{GRACE, Paced, RATE_MIN};
pub use places::{Busy, Doing, Place, Places};
