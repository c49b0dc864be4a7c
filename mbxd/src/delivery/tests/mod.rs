//! The door as a whole.

mod causes;
mod deliveries;
mod documents;
mod http;
mod refusals;
pub(super) mod specification;
mod whole;
mod world;
