//! Tests of the room.

mod samples;
