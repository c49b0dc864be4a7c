//! The store's engine on a disk that forgets, tears, fails and alters: what the programmes share.

pub mod bit_flips;
mod engine;
pub mod io_faults;
mod load;
pub mod model;
pub mod power_loss;
mod script;
