//! `/v1/certificates`: the certificates of both HTTPS doors, the roots, the revocation lists.

use super::Level;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a certificate or list is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateUse {
    /// Shown to authorities.
    DeliveryServer,
    /// Shown to portals.
    HolderServer,
    /// Signs receipts.
    Receipt,
    /// A root that authorities' certificates are checked against.
    Root,
    /// Closes chains to a root.
    Intermediate,
    /// A root or certificate that portals are checked against.
    Portal,
    /// A revocation list.
    Crl,
}

/// A certificate or revocation list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Certificate {
    /// Name in lists: the use and a number.
    pub name: String,
    /// What for.
    pub usage: CertificateUse,
    /// Subject; the issuer's for a revocation list.
    pub subject: String,
    /// Issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Serial number in hex; the CRL number for a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// SHA-256 of its DER form, 64 hex digits.
    pub sha256: String,
    /// Valid from; `thisUpdate` of a list.
    pub not_before: Timestamp,
    /// Valid until; `nextUpdate` of a list.
    pub not_after: Timestamp,
    /// How well.
    pub level: Level,
    /// File it was read from, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// What reading the files anew brought.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reloaded {
    /// Certificates that are new.
    pub changed: Vec<String>,
    /// How many stayed as they were.
    pub unchanged: u64,
    /// Files of the folder of revocation lists that are not used, and why. A bad certificate of a
    /// door or root refuses the whole reload instead.
    pub refused: Vec<RefusedFile>,
    /// Position in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}

/// A file that is not used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RefusedFile {
    /// The file.
    pub file: String,
    /// Why, in one sentence.
    pub reason: String,
}
