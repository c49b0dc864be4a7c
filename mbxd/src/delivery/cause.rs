//! Every cause of a fault, and the one table from causes to codes.

use super::content::ContentError;
use super::signature::{self, Level, SignatureError};
use super::soap::{ParseError, ReadError};
use crate::registers::NotEntitled;
use crate::trust::{ChainError, OrganisationError};
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use std::borrow::Cow;
use thiserror::Error;

/// Why a call is answered with a fault. The text of each goes to the peer: it names what is wrong
/// with the call and nothing of our insides.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(super) enum Cause {
    /// The body is longer than is taken.
    #[error("the request is longer than {max} bytes")]
    TooLong {
        /// The limit in bytes.
        max: u64,
    },
    /// The bytes are no XML that we read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The XML is no request of Service v3.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// `deliverForward` is not served.
    #[error("deliverForward is not served by this operator")]
    Forward,
    /// `Sender/Id` is no organisation number.
    #[error("Sender/Id is no organisation number")]
    SenderNumber,
    /// A signature is wrong.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The certificate of a signature is not believed.
    #[error("{level}: {error}")]
    Signer {
        /// Which signature.
        level: Level,
        /// Why.
        error: ChainError,
    },
    /// The certificate of the TLS client is not believed (any more), or names no organisation.
    #[error("the client certificate: {0}")]
    Client(ChainError),
    /// The organisations behind the call may not deliver for the sender.
    #[error("the organisations behind the call may not deliver for this sender")]
    NotEntitled(NotEntitled),
    /// A message breaks a rule about content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// We have too much to do.
    #[error("too many deliveries at the moment; repeat the call later")]
    Overloaded,
    /// It could not be stored: ours to mend, or a passing state.
    #[error("the delivery could not be stored; repeat the call later")]
    NotStored(Kind),
}

impl Cause {
    /// Our stable code, `MBX-nnnn`, for staff: finer than what the peer learns.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::TooLong { .. } => explain::DELIVERY_TOO_LONG,
            Self::Read(_) => explain::DELIVERY_NOT_XML,
            Self::Parse(ParseError::OlderVersion { .. }) => explain::DELIVERY_OLD_VERSION,
            Self::Parse(ParseError::UnknownOperation) | Self::Forward => {
                explain::DELIVERY_OPERATION
            }
            Self::Parse(_) => explain::DELIVERY_SHAPE,
            Self::SenderNumber => explain::DELIVERY_SENDER_NUMBER,
            Self::Signature(error) => signature_code(error.cause),
            Self::Signer { error, .. } | Self::Client(error) => chain_code(*error),
            Self::NotEntitled(error) => match error {
                NotEntitled::SenderUnknown => explain::DELIVERY_SENDER_UNKNOWN,
                NotEntitled::Blocked => explain::DELIVERY_BLOCKED,
                NotEntitled::Signer => explain::DELIVERY_SIGNER,
                NotEntitled::Sealer => explain::DELIVERY_SEALER,
                NotEntitled::Client => explain::DELIVERY_CLIENT,
            },
            Self::Content(error) => match error {
                ContentError::BodyType | ContentError::AttachmentType { .. } => {
                    explain::DELIVERY_MEDIA_TYPE
                }
                ContentError::NotUtf8 => explain::DELIVERY_NOT_UTF8,
                ContentError::Checksum { .. } => explain::DELIVERY_CHECKSUM,
                ContentError::TooLong { .. } => explain::DELIVERY_MESSAGE_TOO_LONG,
                ContentError::Undecodable => explain::INTERNAL,
            },
            Self::Overloaded => explain::DELIVERY_OVERLOADED,
            Self::NotStored(kind) => explain::generic(*kind),
        }
    }

    /// The fault's `ErrorCode`: under 5000 = repeat later, from 5000 = mend first.
    ///
    /// Source: contract §3.5.
    pub(super) const fn error_code(&self) -> u16 {
        match self {
            Self::TooLong { .. } | Self::Content(ContentError::TooLong { .. }) => TOO_MUCH,
            Self::Read(error) => error.error_code(),
            Self::Parse(error) => error.error_code(),
            Self::Forward => METHOD,
            Self::SenderNumber
            | Self::Content(ContentError::NotUtf8 | ContentError::Checksum { .. }) => BAD_INPUT,
            Self::Signature(error) => error.error_code(),
            // A missing revocation list is ours to mend.
            Self::Signer { error, .. } | Self::Client(error)
                if matches!(error.kind(), Kind::Unavailable) =>
            {
                TECHNICAL
            }
            Self::Signer { .. } => SIGNATURE,
            Self::Client(_) | Self::NotEntitled(_) => NOT_AUTHORISED,
            Self::Content(ContentError::BodyType | ContentError::AttachmentType { .. }) => {
                MEDIA_TYPE
            }
            Self::Content(ContentError::Undecodable) | Self::Overloaded => TECHNICAL,
            Self::NotStored(kind) => kind.soap_error_code(),
        }
    }

    /// Whether the same call may succeed later without being changed.
    pub(super) const fn is_temporary(&self) -> bool {
        self.error_code() < 5000
    }

    /// The local name of the SOAP `faultcode`. Source: SOAP 1.1 §4.4.1.
    pub(super) const fn fault_code(&self) -> &'static str {
        if matches!(self, Self::Parse(ParseError::SoapVersion)) {
            "VersionMismatch"
        } else if matches!(self, Self::Parse(ParseError::MustUnderstand)) {
            "MustUnderstand"
        } else if self.is_temporary() {
            "Server"
        } else {
            "Client"
        }
    }

    /// What the peer reads.
    pub(super) fn description(&self) -> Cow<'static, str> {
        if matches!(self, Self::NotStored(_)) && !self.is_temporary() {
            return Cow::Borrowed("the delivery is not accepted in this form");
        }
        Cow::Owned(self.to_string())
    }
}

const fn signature_code(cause: signature::Cause) -> Code {
    match cause {
        signature::Cause::Sha1 => explain::DELIVERY_SHA1,
        signature::Cause::SignatureValue | signature::Cause::Digest => {
            explain::DELIVERY_SIGNATURE_WRONG
        }
        signature::Cause::SealSaysNo => explain::DELIVERY_SEAL_SAYS_NO,
        signature::Cause::KeyKind | signature::Cause::KeyShort { .. } => {
            explain::DELIVERY_CERTIFICATE
        }
        signature::Cause::Count
        | signature::Cause::Shape(_)
        | signature::Cause::Reference
        | signature::Cause::IdNotUnique
        | signature::Cause::Transforms
        | signature::Cause::PrefixList
        | signature::Cause::CanonicalizationMethod
        | signature::Cause::SignatureMethod
        | signature::Cause::DigestMethod
        | signature::Cause::Value
        | signature::Cause::CertificateCount { .. }
        | signature::Cause::CertificateLen { .. }
        | signature::Cause::Certificate => explain::DELIVERY_SIGNATURE_FORM,
    }
}

const fn chain_code(error: ChainError) -> Code {
    match error {
        ChainError::Revoked => explain::DELIVERY_REVOKED,
        ChainError::NoRevocationList | ChainError::RevocationListExpired => {
            explain::DELIVERY_REVOCATION_UNKNOWN
        }
        ChainError::Organisation(
            OrganisationError::Missing | OrganisationError::Ambiguous | OrganisationError::Form,
        ) => explain::DELIVERY_ORGANISATION,
        ChainError::Missing
        | ChainError::TooMany
        | ChainError::Malformed
        | ChainError::UnknownIssuer
        | ChainError::Expired
        | ChainError::NotYetValid
        | ChainError::KeyUsage
        | ChainError::Purpose
        | ChainError::WeakKey
        | ChainError::Constraint => explain::DELIVERY_CERTIFICATE,
    }
}

/// General technical error: repeat later.
const TECHNICAL: u16 = 1;
/// Bad input.
const BAD_INPUT: u16 = 5001;
/// Not authorised.
const NOT_AUTHORISED: u16 = 5002;
/// A maximum is exceeded.
const TOO_MUCH: u16 = 5005;
/// A signature or its certificate is wrong.
const SIGNATURE: u16 = 5006;
/// A media type is not supported.
const MEDIA_TYPE: u16 = 5019;
/// The operation is not served.
const METHOD: u16 = 5021;
