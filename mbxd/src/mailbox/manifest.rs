//! The manifest of a delivery: what it holds and where each part lies.
//!
//! JSON in a content of its own under the delivery's DEK, so that nothing readable stands outside
//! it. `docs/formats/manifest.md` tells every field.

use super::base64_text::{Lines, NotBase64, measure};
use super::incoming::{Incoming, IncomingMessage, Part, PartSource};
use bytes::Bytes;
use mbx_common::id::{ContentId, DeliveryId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::size::wide;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version that is written.
const VERSION: u8 = 1;

/// What a delivery holds. Readers skip fields that they do not know.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct Manifest {
    v: u8,
    pub(crate) delivery: DeliveryId,
    pub(crate) operation: String,
    pub(crate) received: Timestamp,
    pub(crate) sender: Sender,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attention: Option<String>,
    /// Every content but the manifest's own: the payload first.
    pub(crate) contents: Vec<StoredContent>,
    pub(crate) messages: Vec<Message>,
}

/// The authority it is from and who brought it.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct Sender {
    pub(crate) id: OrganisationNumber,
    pub(crate) name: String,
    pub(crate) dispatcher: OrganisationNumber,
}

/// One stored content.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct StoredContent {
    pub(crate) id: ContentId,
    /// Length of the plaintext in bytes.
    pub(crate) len: u64,
}

/// One message.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct Message {
    /// The sender's own id.
    pub(crate) sender_id: String,
    pub(crate) subject: String,
    pub(crate) language: String,
    pub(crate) support: Support,
    pub(crate) body: StoredPart,
    pub(crate) attachments: Vec<StoredPart>,
}

/// Whom the holder can ask.
#[derive(Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Support {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
}

/// A body or attachment.
#[derive(Deserialize, PartialEq, Serialize)]
pub(crate) struct StoredPart {
    pub(crate) media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_name: Option<String>,
    /// Decoded length in bytes.
    pub(crate) len: u64,
    pub(crate) at: Place,
}

/// Where the octets of a part lie.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// Base64 text in the payload, from `start` to before `end`.
    Base64 {
        start: u64,
        end: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<Lines>,
    },
    /// The whole of a content, by its place in `contents`.
    Content { index: usize },
}

// What people wrote is never shown where something is only to be traced.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(redacted)")
    }
}

impl fmt::Debug for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Support(redacted)")
    }
}

impl fmt::Debug for StoredPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredPart").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Why a delivery has no manifest: the door handed over parts that do not fit the payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPart {
    /// The byte range reaches past the payload.
    #[error("a part lies outside the payload")]
    Outside,
    /// The bytes in the range are no base64.
    #[error(transparent)]
    NotBase64(#[from] NotBase64),
    /// They decode to another length than the door says.
    #[error("a part has another length than was said")]
    Length,
}

/// Why a stored manifest cannot be read, though its tag is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a manifest cannot be read: written by a newer version")]
pub struct BadManifest;

/// A delivery's contents before they are encrypted.
pub(crate) struct Draft {
    pub(crate) manifest: Manifest,
    /// The plaintext of each content that the manifest lists, in its order.
    pub(crate) plain: Vec<Bytes>,
}

impl Draft {
    /// Lays out a delivery: the payload as received, a further content for each part that does
    /// not stand in it as plain base64.
    pub(crate) fn of(delivery: DeliveryId, incoming: &Incoming) -> Result<Self, BadPart> {
        let mut contents =
            Contents { received: incoming.received, listed: Vec::new(), plain: Vec::new() };
        contents.add(incoming.payload.clone());
        let messages = incoming
            .messages
            .iter()
            .map(|message| contents.message(message))
            .collect::<Result<_, _>>()?;
        let manifest = Manifest {
            v: VERSION,
            delivery,
            operation: incoming.operation.name().to_owned(),
            received: incoming.received,
            sender: Sender {
                id: incoming.sender,
                name: incoming.sender_name.clone(),
                dispatcher: incoming.dispatcher,
            },
            reference: incoming.reference.clone(),
            correlation_id: incoming.correlation_id.clone(),
            attention: incoming.attention.clone(),
            contents: contents.listed,
            messages,
        };
        Ok(Self { manifest, plain: contents.plain })
    }
}

/// The contents of a delivery while it is laid out.
struct Contents {
    received: Timestamp,
    listed: Vec<StoredContent>,
    plain: Vec<Bytes>,
}

impl Contents {
    fn add(&mut self, plain: Bytes) -> usize {
        let id = ContentId::from_bytes(crate::random::id(self.received));
        self.listed.push(StoredContent { id, len: wide(plain.len()) });
        self.plain.push(plain);
        self.plain.len().saturating_sub(1)
    }

    fn message(&mut self, message: &IncomingMessage) -> Result<Message, BadPart> {
        let support = &message.support;
        Ok(Message {
            sender_id: message.sender_id.clone(),
            subject: message.subject.clone(),
            language: message.language.clone(),
            support: Support {
                text: support.text.clone(),
                url: support.url.clone(),
                phone: support.phone.clone(),
                email: support.email.clone(),
            },
            body: self.part(&message.body)?,
            attachments: message
                .attachments
                .iter()
                .map(|part| self.part(part))
                .collect::<Result<_, _>>()?,
        })
    }

    fn part(&mut self, part: &Part) -> Result<StoredPart, BadPart> {
        let (at, len) = match &part.source {
            PartSource::Base64At(range) => {
                let payload = self.plain.first().ok_or(BadPart::Outside)?;
                let text = usize::try_from(range.start)
                    .ok()
                    .zip(usize::try_from(range.end).ok())
                    .and_then(|(start, end)| payload.get(start..end))
                    .ok_or(BadPart::Outside)?;
                let measured = measure(text)?;
                let (start, end) = (range.start, range.end);
                (Place::Base64 { start, end, lines: measured.lines }, measured.len)
            }
            PartSource::Decoded(octets) => {
                (Place::Content { index: self.add(octets.clone()) }, wide(octets.len()))
            }
        };
        if len != part.len {
            return Err(BadPart::Length);
        }
        Ok(StoredPart {
            media_type: part.media_type.clone(),
            file_name: part.file_name.clone(),
            len,
            at,
        })
    }
}

impl Manifest {
    /// Writes the manifest.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, BadManifest> {
        serde_json::to_vec(self).map_err(|_| BadManifest)
    }

    /// Reads a manifest of a version that is known.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| BadManifest)?;
        if manifest.v == VERSION { Ok(manifest) } else { Err(BadManifest) }
    }

    /// One message by its place in the delivery.
    pub(crate) fn message(&self, place: u32) -> Option<&Message> {
        self.messages.get(usize::try_from(place).ok()?)
    }
}

impl Message {
    /// The body, then the attachments: part `n` of the portal API.
    pub(crate) fn part(&self, number: usize) -> Option<&StoredPart> {
        match number.checked_sub(1) {
            None => Some(&self.body),
            Some(attachment) => self.attachments.get(attachment),
        }
    }

    /// Decoded length of all parts, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.attachments.iter().map(|part| part.len).fold(self.body.len, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::tests::fixture;

    #[test]
    fn a_manifest_reads_back_and_names_every_content() {
        let incoming = fixture::incoming();
        let draft = Draft::of(DeliveryId::from_bytes([1; 16]), &incoming).unwrap();
        let bytes = draft.manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), draft.manifest);
        assert_eq!(draft.manifest.contents.len(), draft.plain.len());
        assert_eq!(draft.plain[0], incoming.payload);
        assert_eq!(draft.manifest.messages[0].body.len, incoming.messages[0].body.len);
    }

    /// The page of the format shows this very text.
    #[test]
    fn a_manifest_is_written_as_the_page_shows() {
        let incoming = fixture::incoming();
        let mut draft = Draft::of(DeliveryId::from_bytes([1; 16]), &incoming).unwrap();
        for (n, content) in (1..).zip(&mut draft.manifest.contents) {
            content.id = ContentId::from_bytes([n; 16]);
        }
        insta::assert_json_snapshot!("manifest", draft.manifest);
    }

    #[test]
    fn a_part_outside_the_payload_or_of_another_length_is_refused() {
        let delivery = DeliveryId::from_bytes([1; 16]);
        let mut incoming = fixture::incoming();
        incoming.messages[0].body.len += 1;
        assert_eq!(Draft::of(delivery, &incoming).err(), Some(BadPart::Length));
        let end = u64::try_from(incoming.payload.len()).unwrap() + 1;
        incoming.messages[0].body.source = PartSource::Base64At(0..end);
        assert_eq!(Draft::of(delivery, &incoming).err(), Some(BadPart::Outside));
        incoming.messages[0].body.source = PartSource::Base64At(0..5);
        assert_eq!(Draft::of(delivery, &incoming).err(), Some(BadPart::NotBase64(NotBase64)));
    }

    #[test]
    fn nothing_that_people_wrote_is_shown_by_debug() {
        let incoming = fixture::incoming();
        let draft = Draft::of(DeliveryId::from_bytes([1; 16]), &incoming).unwrap();
        let (message, part) = (&draft.manifest.messages[0], &incoming.messages[0].attachments[0]);
        let shown = [
            format!("{incoming:?} {:?} {:?}", incoming.messages[0], incoming.messages[0].support),
            format!("{part:?} {:?}", part.source),
            format!("{:?} {:?} {message:?}", draft.manifest, draft.manifest.sender),
            format!("{:?} {:?}", message.support, message.attachments[0]),
        ];
        let written = ["Seeded", "Ask us", "decision", "Authority", "1912", "PDF", "ref-1", "Body"];
        for shown in shown {
            assert!(written.iter().all(|text| !shown.contains(text)), "{shown}");
        }
    }

    #[test]
    fn fields_of_later_versions_are_skipped_and_later_versions_refused() {
        let incoming = fixture::incoming();
        let draft = Draft::of(DeliveryId::from_bytes([1; 16]), &incoming).unwrap();
        let mut value = serde_json::to_value(&draft.manifest).unwrap();
        value["later"] = serde_json::json!({"field": 1});
        let bytes = serde_json::to_vec(&value).unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), draft.manifest);
        value["v"] = serde_json::json!(2);
        assert_eq!(Manifest::decode(&serde_json::to_vec(&value).unwrap()), Err(BadManifest));
    }
}
