//! The authorities' door: SOAP over mutual TLS. An edge: translates and never decides.
