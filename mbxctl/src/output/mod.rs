//! What people and machines read: the answer of a command, and how it is written.

pub mod csv;
pub mod document;
pub mod error;
pub mod figure;
pub mod fit;
pub mod json;
pub mod progress;
mod screen;
pub mod style;
pub mod table;
pub mod yaml;

pub use document::{Answer, Cell, Column, Give, Line, Piece, Table, Tone};
pub use screen::{Screen, WriteError};
pub use style::Style;
