//! Deliveries for the room's own tests.

use crate::mailbox::incoming::{
    Incoming, IncomingMessage, Operation, Part, PartSource, RepeatMark, Support,
};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::RequestId;

/// The body of every test delivery, decoded.
pub(in crate::mailbox) const BODY: &[u8] = b"Your tax is due. Anna Andersson owes 4711 kronor.";
/// The attachment of every test delivery, decoded.
pub(in crate::mailbox) const ATTACHMENT: &[u8] = b"%PDF-1.7 seeded attachment octets";
/// Part of the subject, to be looked for where it must not stand.
pub(in crate::mailbox) const SUBJECT: &str = "Seeded subject";

/// A `deliverSecure` to one person: a body as base64 in the payload, an attachment decoded.
pub(in crate::mailbox) fn incoming() -> Incoming {
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, BODY);
    let before = "<Envelope><Body>";
    let payload = format!("{before}{body}</Body></Envelope>");
    let start = u64::try_from(before.len()).unwrap();
    let end = start + u64::try_from(body.len()).unwrap();
    Incoming {
        request: RequestId::from_bytes([9; 16]),
        received: "2026-11-24T12:00:00Z".parse().unwrap(),
        peer: None,
        operation: Operation::DeliverSecure,
        sender: "162021004748".parse().unwrap(),
        dispatcher: "162021000225".parse().unwrap(),
        recipients: vec![Some("191212121212".parse().unwrap())],
        class: ProtectionClass::Three,
        payload: Bytes::from(payload),
        repeat_mark: RepeatMark::of(Operation::DeliverSecure, b"signature value"),
        sender_name: "Example Authority".to_owned(),
        reference: Some("ref-1".to_owned()),
        correlation_id: None,
        attention: None,
        messages: vec![IncomingMessage {
            sender_id: "2f0e7a52-0000-4000-8000-0000000000c1".to_owned(),
            subject: SUBJECT.to_owned(),
            language: "svSE".to_owned(),
            support: Support { text: "Ask us".to_owned(), ..Support::default() },
            body: Part {
                media_type: "text/plain".to_owned(),
                file_name: None,
                len: u64::try_from(BODY.len()).unwrap(),
                source: PartSource::Base64At(start..end),
            },
            attachments: vec![Part {
                media_type: "application/pdf".to_owned(),
                file_name: Some("decision.pdf".to_owned()),
                len: u64::try_from(ATTACHMENT.len()).unwrap(),
                source: PartSource::Decoded(Bytes::from_static(ATTACHMENT)),
            }],
        }],
        stages: Vec::new(),
    }
}
