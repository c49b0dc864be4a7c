//! What a holder sees.

use crate::access::{Action, Capacity};
use crate::mailbox::manifest::{Message, StoredPart};
use crate::mailbox::row::MessageRow;
use mbx_common::assurance::ProtectionClass;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::{MailboxId, MessageId, write_hex};
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A mailbox and what the person may do in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailboxView {
    /// The mailbox.
    pub id: MailboxId,
    /// The holder's kind.
    pub kind: HolderKind,
    /// Its state.
    pub state: MailboxState,
    /// Since when it exists.
    pub registered: Timestamp,
    /// In which capacity the person is here.
    pub capacity: Capacity,
    /// What the person may do at the present level and age of identification.
    pub allowed: Vec<Action>,
}

/// A message as its row and its manifest tell. Its subject and names are content: no `Debug`.
#[derive(Clone, Eq, PartialEq)]
pub struct MessageView {
    /// The message.
    pub id: MessageId,
    /// The authority's number.
    pub sender: OrganisationNumber,
    /// The authority's name, as it wrote it.
    pub sender_name: String,
    /// When it came.
    pub received: Timestamp,
    /// Its protection class.
    pub class: ProtectionClass,
    /// Decoded length of all parts, in bytes.
    pub len: u64,
    /// The subject.
    pub subject: String,
    /// The language, verbatim.
    pub language: String,
    /// Whom the holder can ask.
    pub support: SupportView,
    /// When it was marked read.
    pub read: Option<Timestamp>,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// The body (part 0), then the attachments.
    pub parts: Vec<PartView>,
    /// Changes with every change of the message.
    pub etag: Etag,
}

/// Whom the holder can ask about a message.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct SupportView {
    /// In words.
    pub text: String,
    /// Where to look.
    pub url: Option<String>,
    /// Whom to call.
    pub phone: Option<String>,
    /// Whom to write to.
    pub email: Option<String>,
}

/// A body or attachment.
#[derive(Clone, Eq, PartialEq)]
pub struct PartView {
    /// Media type, lower case, without parameters.
    pub media_type: String,
    /// File name, cleaned for display; attachments only.
    pub file_name: Option<String>,
    /// Decoded length in bytes.
    pub len: u64,
}

/// 16 bytes of a digest of the row, 32 hex digits.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Etag([u8; 16]);

impl Etag {
    /// The tag of a stored row.
    pub(super) fn of(raw: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(raw).into();
        let mut tag = [0; 16];
        for (byte, from) in tag.iter_mut().zip(digest) {
            *byte = from;
        }
        Self(tag)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl MessageView {
    pub(super) fn of(row: &MessageRow, sender_name: &str, message: &Message, etag: Etag) -> Self {
        let parts = std::iter::once(&message.body).chain(&message.attachments);
        Self {
            id: row.id,
            sender: row.sender,
            sender_name: sender_name.to_owned(),
            received: row.received,
            class: row.class,
            len: row.len,
            subject: message.subject.clone(),
            language: message.language.clone(),
            support: SupportView {
                text: message.support.text.clone(),
                url: message.support.url.clone(),
                phone: message.support.phone.clone(),
                email: message.support.email.clone(),
            },
            read: row.read,
            deleted: row.deleted.map(|deletion| deletion.at),
            parts: parts.map(PartView::of).collect(),
            etag,
        }
    }
}

impl PartView {
    fn of(part: &StoredPart) -> Self {
        Self {
            media_type: part.media_type.clone(),
            file_name: part.file_name.clone(),
            len: part.len,
        }
    }
}

impl fmt::Debug for MessageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageView").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for SupportView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SupportView(redacted)")
    }
}

impl fmt::Debug for PartView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartView").field("len", &self.len).finish_non_exhaustive()
    }
}
