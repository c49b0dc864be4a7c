//! Tests of the room.

mod octets;
mod parse;
mod prescan;
mod schema;
mod simple;
