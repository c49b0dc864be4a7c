//! Passwords of staff: what is good enough, and how they are kept (K4.7).

mod hash;
mod rules;

pub(super) use hash::Hasher;
pub use rules::WeakPassword;
pub(super) use rules::check;
