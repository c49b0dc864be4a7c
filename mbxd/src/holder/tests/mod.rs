//! The door behind its TLS: a request with a certificate's fingerprint in, an answer out.

mod assertions;
mod changing;
mod portals;
mod reading;
mod requests;
mod world;
