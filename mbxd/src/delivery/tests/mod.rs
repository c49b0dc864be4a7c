//! The door as a whole.

mod causes;
mod deliveries;
mod documents;
mod http;
mod refusals;
mod whole;
mod world;
