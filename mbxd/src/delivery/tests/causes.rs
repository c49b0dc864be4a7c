//! The table from causes to codes.

use crate::delivery::cause::Cause;
use crate::delivery::content::ContentError;
use crate::delivery::fault::fault;
use crate::delivery::signature::{self, Level, SignatureError};
use crate::delivery::soap::{ParseError, PrescanError, ReadError};
use crate::registers::NotEntitled;
use crate::trust::{ChainError, OrganisationError};
use mbx_common::error::Kind;
use mbx_common::explain;
use mbx_common::id::RequestId;

/// Causes of every kind with the `ErrorCode` that the contract's table gives.
pub(super) fn table() -> Vec<(Cause, u16)> {
    let sender = |cause| SignatureError { level: Level::Sender, cause };
    let signer = |error| Cause::Signer { level: Level::Seal, error };
    vec![
        (Cause::TooLong { max: 16 << 20 }, 5005),
        (ReadError::Prescan(PrescanError::Doctype).into(), 5001),
        (ReadError::Prescan(PrescanError::Depth { max: 48 }).into(), 5005),
        (ReadError::NotWellFormed { line: 1, column: 2 }.into(), 5001),
        (ParseError::NotAnEnvelope.into(), 5001),
        (ParseError::SoapVersion.into(), 5001),
        (ParseError::MustUnderstand.into(), 5001),
        (ParseError::OlderVersion { version: 1 }.into(), 5001),
        (ParseError::UnknownOperation.into(), 5021),
        (ParseError::TooMany { element: "Recipient", count_max: 1000 }.into(), 5005),
        (Cause::Forward, 5021),
        (Cause::SenderNumber, 5001),
        (sender(signature::Cause::Digest).into(), 5006),
        (sender(signature::Cause::Sha1).into(), 5006),
        (sender(signature::Cause::Count).into(), 5006),
        (sender(signature::Cause::KeyShort { bits: 1024, min: 2048 }).into(), 5006),
        (sender(signature::Cause::SealSaysNo).into(), 5006),
        (signer(ChainError::Expired), 5006),
        (signer(ChainError::Revoked), 5006),
        (signer(ChainError::UnknownIssuer), 5006),
        (signer(ChainError::KeyUsage), 5006),
        (signer(ChainError::Organisation(OrganisationError::Ambiguous)), 5006),
        (signer(ChainError::NoRevocationList), 1),
        (signer(ChainError::RevocationListExpired), 1),
        (Cause::Client(ChainError::Revoked), 5002),
        (Cause::Client(ChainError::Organisation(OrganisationError::Missing)), 5002),
        (Cause::Client(ChainError::NoRevocationList), 1),
        (Cause::NotEntitled(NotEntitled::SenderUnknown), 5002),
        (Cause::NotEntitled(NotEntitled::Blocked), 5002),
        (Cause::NotEntitled(NotEntitled::Signer), 5002),
        (Cause::NotEntitled(NotEntitled::Sealer), 5002),
        (Cause::NotEntitled(NotEntitled::Client), 5002),
        (ContentError::BodyType.into(), 5019),
        (ContentError::AttachmentType { number: 1 }.into(), 5019),
        (ContentError::NotUtf8.into(), 5001),
        (ContentError::Checksum { number: 1 }.into(), 5001),
        (ContentError::TooLong { max: 2 << 20 }.into(), 5005),
        (ContentError::Undecodable.into(), 1),
        (Cause::Overloaded, 1),
        (Cause::NotStored(Kind::Unavailable), 1),
        (Cause::NotStored(Kind::Limit), 1),
        (Cause::NotStored(Kind::Corrupt), 1),
        (Cause::NotStored(Kind::Usage), 5001),
    ]
}

#[test]
fn every_cause_has_the_contracts_code() {
    for (cause, code) in table() {
        assert_eq!(cause.error_code(), code, "{cause:?}");
    }
}

#[test]
fn every_code_is_in_the_schemas_range_and_explained() {
    for (cause, _) in table() {
        assert!((1..=9998).contains(&cause.error_code()), "{cause:?}");
        assert!(explain::of(cause.code()).is_some(), "{cause:?}");
    }
}

#[test]
fn the_party_at_fault_is_named_by_the_fault_code() {
    for (cause, _) in table() {
        let expected = if cause == Cause::Parse(ParseError::SoapVersion) {
            "VersionMismatch"
        } else if cause == Cause::Parse(ParseError::MustUnderstand) {
            "MustUnderstand"
        } else if cause.error_code() < 5000 {
            "Server"
        } else {
            "Client"
        };
        assert_eq!(cause.fault_code(), expected, "{cause:?}");
    }
}

#[test]
fn who_is_not_entitled_learns_not_why() {
    let all = [
        NotEntitled::SenderUnknown,
        NotEntitled::Blocked,
        NotEntitled::Signer,
        NotEntitled::Sealer,
        NotEntitled::Client,
    ];
    let texts: std::collections::BTreeSet<String> =
        all.map(|cause| Cause::NotEntitled(cause).description().into_owned()).into();
    assert_eq!(texts.len(), 1);
    let codes: std::collections::BTreeSet<_> =
        all.map(|cause| Cause::NotEntitled(cause).code()).into();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn a_fault_names_the_request_and_reads_as_soap() {
    let request = RequestId::from_bytes([0xab; 16]);
    for (cause, code) in table() {
        let text = fault(&cause, request);
        let tree = roxmltree::Document::parse(&text).unwrap();
        let of = |name: &str| {
            let mut found = tree.descendants().filter(|node| node.tag_name().name() == name);
            found.next().and_then(|node| node.text()).unwrap().to_owned()
        };
        assert_eq!(of("ErrorCode"), code.to_string());
        assert_eq!(of("Description"), cause.description());
        assert_eq!(of("faultstring"), cause.description());
        assert_eq!(of("CallId"), request.to_uuid());
        assert_eq!(of("faultcode"), format!("S:{}", cause.fault_code()));
    }
}
