//! Why a signature is refused.

use crate::delivery::soap::ParseError;
use mbx_common::error::Kind;
use std::fmt;
use thiserror::Error;

/// Which of the two signatures.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Level {
    /// The inner one, the sender's.
    Sender,
    /// The outer one, the dispatcher's.
    Seal,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sender => "the sender's signature",
            Self::Seal => "the seal's signature",
        })
    }
}

/// Why a delivery's signatures are refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{level}: {cause}")]
pub struct SignatureError {
    /// Which signature.
    pub level: Level,
    /// Why.
    #[source]
    pub cause: Cause,
}

impl SignatureError {
    /// Whose move it is: always the sender's.
    pub const fn kind(&self) -> Kind {
        Kind::Usage
    }

    /// The `ErrorCode` of the fault (contract §3.5): signature wrong.
    pub const fn error_code(&self) -> u16 {
        5006
    }
}

/// What is wrong with a signature. Nothing of the request is repeated.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The request holds more or fewer `Signature` elements than the two in their places.
    #[error("the request must hold exactly two signatures, each in its place")]
    Count,
    /// The signed element or the signature has not the child list of its schema.
    #[error("the signature has not the form of the profile: {0}")]
    Shape(#[from] ParseError),
    /// `Reference` has no `URI`, or one that is neither empty nor the element's own `Id`.
    #[error("the reference is not to the signed element itself")]
    Reference,
    /// The `Id` that is referred to stands on more than one element.
    #[error("the identifier referred to is not unique")]
    IdNotUnique,
    /// The transforms are not the enveloped one, with or without exclusive canonicalisation.
    #[error("the transforms are not those of the profile")]
    Transforms,
    /// An inclusive prefix list is too long or malformed.
    #[error("the list of inclusive prefixes is not one of the profile")]
    PrefixList,
    /// Another canonicalisation than the exclusive one without comments.
    #[error("the canonicalisation method is not exclusive canonicalisation")]
    CanonicalizationMethod,
    /// A signature algorithm outside the profile.
    #[error("the signature method is not one of the profile")]
    SignatureMethod,
    /// A digest algorithm outside the profile.
    #[error("the digest method is not one of the profile")]
    DigestMethod,
    /// SHA-1, and the sender has no exception.
    #[error("SHA-1 is not accepted")]
    Sha1,
    /// A value of the signature is no base64 or has not the length of its algorithm.
    #[error("a value of the signature is no base64 of the right length")]
    Value,
    /// More certificates than the profile takes.
    #[error("the signature carries more than {max} certificates")]
    CertificateCount {
        /// The limit.
        max: usize,
    },
    /// A certificate is longer than the profile takes.
    #[error("a certificate is longer than {max} bytes")]
    CertificateLen {
        /// The limit.
        max: usize,
    },
    /// The first certificate is no X.509 certificate.
    #[error("the first certificate cannot be read")]
    Certificate,
    /// The key is of another kind than the signature method, or on another curve.
    #[error("the certificate's key does not fit the signature method")]
    KeyKind,
    /// The RSA key is too short.
    #[error("the RSA key has {bits} bits, at least {min} are asked for")]
    KeyShort {
        /// Bits of the modulus.
        bits: u32,
        /// The limit.
        min: u32,
    },
    /// `SignatureValue` does not fit `SignedInfo` in any form.
    #[error("the signature value does not fit the signed information")]
    SignatureValue,
    /// `DigestValue` does not fit the element in any form: it was altered.
    #[error("the content does not fit its digest")]
    Digest,
    /// The dispatcher itself says that the signatures are not right.
    #[error("the seal says that the signatures are not right")]
    SealSaysNo,
}
