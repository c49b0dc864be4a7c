//! The room by a PKI of its own.

mod belief;
pub(crate) mod pki;
