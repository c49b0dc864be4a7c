//! The algorithms of the profile, by their identifiers.

use super::error::Cause;
use super::policy::Policy;
use aws_lc_rs::digest;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DigestAlgorithm {
    /// SHA-1, by exception only.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-1, by exception only.
    RsaSha1,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// ECDSA on P-256 with SHA-256.
    EcdsaSha256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaSha384,
}

impl DigestAlgorithm {
    /// Reads the identifier. Source: XML Signature 1.1 §6.2; RFC 6931 §2.1.
    pub(super) fn read(uri: &str, policy: Policy) -> Result<Self, Cause> {
        match uri {
            "http://www.w3.org/2001/04/xmlenc#sha256" => Ok(Self::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(Self::Sha384),
            "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(Self::Sha512),
            "http://www.w3.org/2000/09/xmldsig#sha1" if policy.sha1_allowed => Ok(Self::Sha1),
            "http://www.w3.org/2000/09/xmldsig#sha1" => Err(Cause::Sha1),
            _ => Err(Cause::DigestMethod),
        }
    }

    /// Its short name, for logs and labels of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The implementation.
    pub(super) fn implementation(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

impl SignatureAlgorithm {
    /// Reads the identifier. Source: XML Signature 1.1 §6.4; RFC 6931 §2.3.
    pub(super) fn read(uri: &str, policy: Policy) -> Result<Self, Cause> {
        match uri {
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => Ok(Self::RsaSha256),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Ok(Self::RsaSha384),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Ok(Self::RsaSha512),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Ok(Self::EcdsaSha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Ok(Self::EcdsaSha384),
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" if policy.sha1_allowed => {
                Ok(Self::RsaSha1)
            }
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => Err(Cause::Sha1),
            _ => Err(Cause::SignatureMethod),
        }
    }

    /// Its short name, for logs and labels of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaSha1 => "rsa-sha1",
            Self::RsaSha256 => "rsa-sha256",
            Self::RsaSha384 => "rsa-sha384",
            Self::RsaSha512 => "rsa-sha512",
            Self::EcdsaSha256 => "ecdsa-sha256",
            Self::EcdsaSha384 => "ecdsa-sha384",
        }
    }
}
