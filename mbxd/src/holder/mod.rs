//! The portal's door: JSON over mutual TLS. An edge: translates and never decides.
