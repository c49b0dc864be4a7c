//! HTTPS with a required client certificate, as the authorities' and the portals' doors speak it.
//!
//! [`serve()`] takes a listener, however it came to be, and an [`Edge`] that answers. Everything that
//! a peer can draw out is bounded here: handshakes under way, connections and each client's share of
//! them, time for a handshake and a header, speed of whoever reads an answer, a connection's life.
//! It knows neither whose certificates are believed nor what is asked.

mod body;
mod connection;
mod edge;
mod serve;
#[cfg(test)]
mod tests;

pub use body::{Asked, names_one_host};
pub use edge::{Bounds, Client, Edge, Remote};
pub use serve::serve;
