//! What the portal reads: the JSON of `docs/openapi/portal.json`.

use crate::access::Action;
use crate::mailbox::reading::{Changed, Listed, Listing, MailboxView, MessageView, PartView};
use mbx_common::assurance::{Loa, ProtectionClass};
use mbx_common::error::Code;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::{MailboxId, MessageId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use serde::Serialize;

/// `GET /v1/mailbox`.
#[derive(Serialize)]
pub(super) struct Mailbox {
    id: MailboxId,
    kind: HolderKind,
    state: MailboxState,
    registered: Timestamp,
    capacity: &'static str,
    allowed: Vec<&'static str>,
}

impl From<MailboxView> for Mailbox {
    fn from(view: MailboxView) -> Self {
        Self {
            id: view.id,
            kind: view.kind,
            state: view.state,
            registered: view.registered,
            capacity: view.capacity.name(),
            allowed: view.allowed.into_iter().map(Action::name).collect(),
        }
    }
}

/// `GET /v1/messages`.
#[derive(Serialize)]
pub(super) struct Page {
    messages: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Within(Box<Message>),
    OutOfReach { received: Timestamp, class: ProtectionClass, needs: Needs },
    Damaged(Damaged),
}

/// A message that fails its integrity check.
#[derive(Serialize)]
struct Damaged {
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<ProtectionClass>,
    /// Always `true`: tells this entry from the others.
    #[serde(rename = "damaged")]
    mark: bool,
}

/// What would open a message that is out of reach.
#[derive(Serialize)]
struct Needs {
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Loa>,
}

impl From<Listing> for Page {
    fn from(listing: Listing) -> Self {
        let next = listing.next.map(|place| format!("{place:016x}"));
        Self { messages: listing.messages.into_iter().map(Entry::from).collect(), next }
    }
}

impl From<Listed> for Entry {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Within(view) => Self::Within(Box::new(Message::from(&*view))),
            Listed::OutOfReach { received, class, because } => {
                let needs = Needs { code: because.code(), level: because.needed_level() };
                Self::OutOfReach { received, class, needs }
            }
            Listed::Damaged { received, class } => {
                Self::Damaged(Damaged { received, class, mark: true })
            }
        }
    }
}

/// `GET /v1/messages/{id}`, and an entry of the list.
#[derive(Serialize)]
pub(super) struct Message {
    id: MessageId,
    sender: Sender,
    received: Timestamp,
    class: ProtectionClass,
    len: u64,
    subject: String,
    language: String,
    support: Support,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<Timestamp>,
    parts: Vec<Part>,
    etag: String,
}

#[derive(Serialize)]
struct Sender {
    id: OrganisationNumber,
    name: String,
}

#[derive(Serialize)]
struct Support {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Serialize)]
struct Part {
    #[serde(rename = "part")]
    number: usize,
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    len: u64,
}

impl From<&MessageView> for Message {
    fn from(view: &MessageView) -> Self {
        Self {
            id: view.id,
            sender: Sender { id: view.sender, name: view.sender_name.clone() },
            received: view.received,
            class: view.class,
            len: view.len,
            subject: view.subject.clone(),
            language: view.language.clone(),
            support: Support {
                text: view.support.text.clone(),
                url: view.support.url.clone(),
                phone: view.support.phone.clone(),
                email: view.support.email.clone(),
            },
            read: view.read,
            deleted: view.deleted,
            parts: view.parts.iter().enumerate().map(Part::from).collect(),
            etag: view.etag.to_string(),
        }
    }
}

impl From<(usize, &PartView)> for Part {
    fn from((number, view): (usize, &PartView)) -> Self {
        Self {
            number,
            media_type: view.media_type.clone(),
            file_name: view.file_name.clone(),
            len: view.len,
        }
    }
}

/// What a change left behind.
#[derive(Serialize)]
pub(super) struct Change {
    id: MessageId,
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    restorable_until: Option<Timestamp>,
}

impl Change {
    pub(super) fn of(id: MessageId, changed: &Changed) -> Self {
        let restorable_until = changed.restorable_until;
        Self { id, etag: changed.etag.to_string(), restorable_until }
    }
}
