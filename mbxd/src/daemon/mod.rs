//! Composition root: start-up, listeners, reload, shutdown.

mod background;
mod credential;
mod descriptors;
mod doors;
mod entrance;
mod error;
mod lockdown;
mod notes;
mod options;
mod reload;
mod rooms;
mod run;
mod screen;
mod service;
mod settings;
mod sockets;
mod standing;
mod tasks;
mod vitals;
mod watch;

pub use entrance::main;
