//! Certificates, roots and revocation lists of both HTTPS doors and of signatures.
//!
//! One path of checks serves TLS clients and signers alike ([`Anchors`]): chain to a configured
//! root, validity, key usage, key strength, revocation. It fails closed: an issuer without a
//! current revocation list is not believed, unless the configuration names it.

mod anchors;
mod certificate;
mod chain;
mod client;
mod crl;
mod crls;
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod inventory;
mod issuer;
mod lists;
mod organisation;
mod peer;
mod pem;
mod server;
#[cfg(test)]
mod tests;
mod verdicts;
#[cfg(test)]
pub(crate) use tests::pki;

pub use anchors::Anchors;
pub use certificate::{CertificateError, Facts, KeyStrength, fingerprint, public_key};
pub use chain::ChainError;
pub use client::refused_in_handshake;
pub use crl::CrlError;
pub use crls::CrlState;
pub use handle::{Door, Prepared, Reloaded, Trust, TrustError};
pub use inventory::{Item, Role};
pub use issuer::IssuerError;
pub use lists::{ListError, Refreshed};
pub use organisation::{OrganisationError, organisation};
pub use peer::{Peer, Usage};
pub use pem::PemError;
pub use server::IdentityError;
