//! The door as a whole.

mod causes;
mod documents;
