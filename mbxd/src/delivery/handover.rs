//! From judged parts of a request to what the mailbox takes.

use super::call::Call;
use super::content::Checked;
use super::soap::{self, Header, Text};
use crate::mailbox::decode_base64;
use crate::mailbox::incoming::{
    Incoming, IncomingMessage, Operation, Part, PartSource, RepeatMark,
};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::identity::{NationalNumber, OrganisationNumber};

/// A delivery that kept every rule. Holds national numbers: no `Debug`.
pub(super) struct Judged {
    pub(super) parts: Whole,
    /// Recipients as the sender wrote them, for the answer.
    pub(super) recipients: Vec<String>,
}

/// What the operation decides.
pub(super) struct Parts {
    pub(super) operation: Operation,
    pub(super) sender: OrganisationNumber,
    pub(super) client: OrganisationNumber,
    pub(super) class: ProtectionClass,
    pub(super) payload: Bytes,
    pub(super) repeat_mark: RepeatMark,
}

/// The same with what the header and the messages say.
pub(super) struct Whole {
    parts: Parts,
    recipients: Vec<Option<NationalNumber>>,
    sender_name: String,
    reference: Option<String>,
    correlation_id: Option<String>,
    attention: Option<String>,
    messages: Vec<IncomingMessage>,
}

impl Judged {
    pub(super) fn new(parts: Parts, header: &Header<'_>, messages: Vec<Checked>) -> Self {
        let flags: usize = messages.iter().map(|message| message.checksum_flags).sum();
        if flags > 0 {
            tracing::warn!(sender = %parts.sender, flags, "checksums that do not fit let through");
        }
        let owned = |text: Option<Text<'_>>| text.map(|text| text.as_str().to_owned());
        let recipients = &header.recipients;
        Self {
            recipients: recipients.iter().map(|id| id.as_str().to_owned()).collect(),
            parts: Whole {
                recipients: recipients.iter().map(soap::RecipientId::national_number).collect(),
                sender_name: header.sender.name.as_str().to_owned(),
                reference: owned(header.reference),
                correlation_id: owned(header.correlation_id),
                attention: owned(header.attention),
                messages: messages.into_iter().map(|checked| checked.message).collect(),
                parts,
            },
        }
    }

    /// The decoded octets of every body and attachment, for the scanner.
    pub(super) fn octets(&self) -> Option<Vec<Bytes>> {
        let payload = &self.parts.parts.payload;
        let messages = self.parts.messages.iter();
        let parts = messages
            .flat_map(|message| std::iter::once(&message.body).chain(message.attachments.iter()));
        parts.map(|part| decoded(part, payload)).collect()
    }
}

impl Whole {
    /// What the mailbox takes.
    pub(super) fn incoming(self, call: &Call) -> Incoming {
        let Parts { operation, sender, client, class, payload, repeat_mark } = self.parts;
        Incoming {
            request: call.request,
            received: call.received,
            peer: Some(call.peer.clone()),
            operation,
            sender,
            dispatcher: client,
            recipients: self.recipients,
            class,
            payload,
            repeat_mark,
            sender_name: self.sender_name,
            reference: self.reference,
            correlation_id: self.correlation_id,
            attention: self.attention,
            messages: self.messages,
            stages: call.stages(),
        }
    }
}

fn decoded(part: &Part, payload: &Bytes) -> Option<Bytes> {
    match &part.source {
        PartSource::Decoded(octets) => Some(octets.clone()),
        PartSource::Base64At(range) => {
            let start = usize::try_from(range.start).ok()?;
            let end = usize::try_from(range.end).ok()?;
            decode_base64(payload.get(start..end)?).ok().map(Bytes::from)
        }
    }
}
