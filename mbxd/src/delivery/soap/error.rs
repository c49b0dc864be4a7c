//! Why a well-formed document is no request that we take.

use mbx_common::error::Kind;
use thiserror::Error;

/// Why a document is no request of Service v3. Names come from the schema, never from the request.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// The root is no SOAP envelope.
    #[error("the document is no SOAP 1.1 envelope")]
    NotAnEnvelope,
    /// The envelope is one of SOAP 1.2.
    #[error("the envelope is of SOAP 1.2; this service speaks SOAP 1.1")]
    SoapVersion,
    /// A header entry must be understood, and none is.
    #[error("a SOAP header entry must be understood, and this service understands none")]
    MustUnderstand,
    /// The body holds no element or more than one.
    #[error("the SOAP body must hold exactly one element")]
    BodyNotSingle,
    /// The body's element is an operation of an earlier service version.
    #[error("the request is of Service v{version}; this service is v3")]
    OlderVersion {
        /// The version, 1 or 2.
        version: u8,
    },
    /// The body's element is no operation at all.
    #[error("the operation is none of deliverSecure, notify and deliverForward of Service v3")]
    UnknownOperation,
    /// A required child is absent, or something else stands in its place.
    #[error("{parent} lacks {child} in its place")]
    Missing {
        /// The parent.
        parent: &'static str,
        /// The child.
        child: &'static str,
    },
    /// An element stands where the schema has none: unknown, doubled, or out of order.
    #[error("{parent} holds an element that the schema does not have there")]
    Unexpected {
        /// The parent.
        parent: &'static str,
    },
    /// Characters stand between the children of an element that has only children.
    #[error("{parent} holds characters between its elements")]
    StrayText {
        /// The parent.
        parent: &'static str,
    },
    /// An attribute that the schema does not have.
    #[error("{element} bears an attribute that the schema does not have")]
    Attribute {
        /// The element.
        element: &'static str,
    },
    /// An element of characters holds an element.
    #[error("{element} must hold characters only")]
    NotText {
        /// The element.
        element: &'static str,
    },
    /// A value is longer than the schema allows.
    #[error("{element} is longer than {chars_max} characters")]
    TooLong {
        /// The element.
        element: &'static str,
        /// The most characters allowed.
        chars_max: usize,
    },
    /// A value is shorter than the schema allows.
    #[error("{element} is shorter than {chars_min} characters")]
    TooShort {
        /// The element.
        element: &'static str,
        /// The fewest characters allowed.
        chars_min: usize,
    },
    /// A value has not the form of its type.
    #[error("{element} has not the form that the schema gives")]
    Form {
        /// The element.
        element: &'static str,
    },
    /// A value is no base64.
    #[error("{element} is no base64")]
    Base64 {
        /// The element.
        element: &'static str,
    },
    /// An element occurs too often.
    #[error("{element} occurs more than {count_max} times")]
    TooMany {
        /// The element.
        element: &'static str,
        /// How often it may.
        count_max: usize,
    },
}

impl ParseError {
    /// Whose move it is: always the sender's.
    pub const fn kind(&self) -> Kind {
        Kind::Usage
    }

    /// The `ErrorCode` of the fault (contract §3.5).
    pub const fn error_code(&self) -> u16 {
        match self {
            Self::UnknownOperation => 5021,
            Self::TooMany { .. } => 5005,
            Self::NotAnEnvelope
            | Self::SoapVersion
            | Self::MustUnderstand
            | Self::BodyNotSingle
            | Self::OlderVersion { .. }
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::StrayText { .. }
            | Self::Attribute { .. }
            | Self::NotText { .. }
            | Self::TooLong { .. }
            | Self::TooShort { .. }
            | Self::Form { .. }
            | Self::Base64 { .. } => 5001,
        }
    }
}
