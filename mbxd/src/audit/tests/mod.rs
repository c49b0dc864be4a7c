//! The room on a store in memory with a signer in software, and once on a real token.

mod checkpoint;
mod embedded;
mod export;
mod interop;
mod read;
mod scene;
mod token;
mod verify;
