//! Who is believed, and for what.

use super::organisation::OrganisationError;
use crate::config::Fingerprint;
use mbx_common::identity::OrganisationNumber;

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usage {
    /// TLS client authentication: extended key usage `clientAuth` where there is any, key usage
    /// `digitalSignature` where there is any.
    TlsClient,
    /// Signing or sealing a delivery: key usage `digitalSignature` or `nonRepudiation` required.
    Signature,
}

/// A believed certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    /// The organisation in its subject, or why there is none. Authorities must have one; portals
    /// are known by their fingerprint.
    pub organisation: Result<OrganisationNumber, OrganisationError>,
    /// SHA-256 of its DER form.
    pub fingerprint: Fingerprint,
}
