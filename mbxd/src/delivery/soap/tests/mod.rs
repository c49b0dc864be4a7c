//! Tests of the room.

mod parse;
mod prescan;
mod schema;
mod simple;
