//! Hostile and malformed requests against the real daemon, one named test each.
//!
//! Each case says what it sends and which fault is documented for it. [`site`] sends it over real
//! mutual TLS and holds that the fault is that one and came within a second, that nothing was
//! stored but one audit entry (by the store's own count of units of work and bytes), and that the
//! daemon's memory stayed bounded. With `--show-output` the times are told. The cases that run at
//! the same time in a process share one daemon.

mod algorithms;
mod altered;
mod certificates;
mod connection;
mod content;
mod documents;
mod envelope;
mod forms;
mod markup;
mod references;
mod repeats;
mod rights;
mod site;
mod slow;
mod wrapping;
mod wrapping_by_id;
