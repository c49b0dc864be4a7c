//! The authorities' door: SOAP over mutual TLS. An edge: translates and never decides.

pub mod signature;
pub mod soap;
