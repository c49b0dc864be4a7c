//! Hostile and malformed requests against the real daemon, one named test each.
//!
//! Each case says what it sends and which fault is documented for it. [`site`] sends it over real
//! mutual TLS and holds that the fault is that one, that nothing was stored but one audit entry,
//! and that the daemon's memory stayed bounded. The cases that run at the same time in a process
//! share one daemon.

mod algorithms;
mod altered;
mod certificates;
mod connection;
mod content;
mod documents;
mod envelope;
mod markup;
mod references;
mod rights;
mod site;
mod wrapping;
