//! mbxctl, the admin command line of mbxd: it asks the daemon over its control socket and shows
//! what it answers. It never sees keys, content or the store.
//!
//! `cli` is the tree of commands, pure; `command` has one file per noun; `output` writes answers
//! for people and machines; `client` speaks HTTP over the Unix socket.

pub mod cli;
pub mod client;
mod command;
mod context;
pub mod failure;
mod follow;
mod interrupt;
mod keep;
pub mod man;
mod now;
pub mod output;
mod prompt;
mod run;
mod settings;
#[cfg(test)]
mod transcripts;
mod tty;

pub use run::run;
