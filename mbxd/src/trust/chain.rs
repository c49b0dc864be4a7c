//! Why a chain is not believed.

use super::certificate::CertificateError;
use super::organisation::OrganisationError;
use mbx_common::error::Kind;
use webpki::Error;

/// Why a certificate is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// None was given.
    #[error("no certificate was given")]
    Missing,
    /// More than six were given.
    #[error("too many certificates were given")]
    TooMany,
    /// One of them cannot be read.
    #[error("a certificate cannot be read")]
    Malformed,
    /// No configured root stands at the end of the chain, or a signature in the chain is wrong.
    #[error("the certificate was not issued under a configured root")]
    UnknownIssuer,
    /// Its validity, or that of an issuing CA, has ended.
    #[error("the certificate has expired")]
    Expired,
    /// Its validity has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// A revocation list names it or one of its issuing CAs.
    #[error("the certificate was revoked")]
    Revoked,
    /// No revocation list speaks for it.
    #[error("no revocation list tells whether the certificate was revoked")]
    NoRevocationList,
    /// The revocation list that speaks for it is outdated.
    #[error("the revocation list for the certificate is outdated")]
    RevocationListExpired,
    /// Its key usage does not admit signatures.
    #[error("the certificate's key usage does not admit signatures")]
    KeyUsage,
    /// Its extended key usage does not admit TLS clients.
    #[error("the certificate is not for TLS clients")]
    Purpose,
    /// The key, or that of an issuing CA, is too short or of a kind that is not accepted.
    #[error("the certificate's key is too weak or of a kind that is not accepted")]
    WeakKey,
    /// A constraint of the chain is broken, or it has a critical extension that is not known.
    #[error("the certificate breaks a constraint of its chain")]
    Constraint,
    /// The subject names no organisation.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
}

impl ChainError {
    /// Whose move it is: a missing or outdated list is ours to mend, all else the peer's.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoRevocationList | Self::RevocationListExpired => Kind::Unavailable,
            Self::Missing
            | Self::TooMany
            | Self::Malformed
            | Self::UnknownIssuer
            | Self::Expired
            | Self::NotYetValid
            | Self::Revoked
            | Self::KeyUsage
            | Self::Purpose
            | Self::WeakKey
            | Self::Constraint
            | Self::Organisation(_) => Kind::Denied,
        }
    }

    /// A word for audit reasons and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "certificate-missing",
            Self::TooMany => "certificate-chain-too-long",
            Self::Malformed => "certificate-malformed",
            Self::UnknownIssuer => "certificate-unknown-issuer",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::Revoked => "certificate-revoked",
            Self::NoRevocationList => "revocation-list-missing",
            Self::RevocationListExpired => "revocation-list-outdated",
            Self::KeyUsage => "certificate-key-usage",
            Self::Purpose => "certificate-purpose",
            Self::WeakKey => "certificate-weak-key",
            Self::Constraint => "certificate-constraint",
            Self::Organisation(OrganisationError::Missing) => "organisation-missing",
            Self::Organisation(OrganisationError::Ambiguous) => "organisation-ambiguous",
            Self::Organisation(OrganisationError::Form) => "organisation-malformed",
        }
    }

    /// The cause behind the chain builder's error.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the list is the chain builder's")]
    pub(crate) fn behind(error: &Error) -> Self {
        match error {
            Error::CertExpired { .. } => Self::Expired,
            Error::CertNotValidYet { .. } => Self::NotYetValid,
            Error::CertRevoked => Self::Revoked,
            Error::UnknownRevocationStatus => Self::NoRevocationList,
            Error::CrlExpired { .. } => Self::RevocationListExpired,
            Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => Self::Purpose,
            Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => Self::UnknownIssuer,
            // The path was refused for the key of one of its CAs, or for its signature algorithm.
            Error::CertDistrusted
            | Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::WeakKey,
            Error::BadDer
            | Error::BadDerTime
            | Error::TrailingData(_)
            | Error::MalformedExtensions
            | Error::ExtensionValueInvalid
            | Error::InvalidSerialNumber
            | Error::InvalidCertValidity
            | Error::SignatureAlgorithmMismatch
            | Error::UnsupportedCertVersion => Self::Malformed,
            _ => Self::Constraint,
        }
    }
}

impl From<CertificateError> for ChainError {
    fn from(_: CertificateError) -> Self {
        Self::Malformed
    }
}
