//! `/v1/mailboxes`: sizes, counts, key versions; never content, never a subject.

use crate::assurance::ProtectionClass;
use crate::holder::{HolderKind, MailboxState};
use crate::id::{DeliveryId, MailboxId, MessageId};
use crate::identity::OrganisationNumber;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Messages and sizes of one mailbox.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Contents {
    /// Messages that are not deleted.
    pub messages: u64,
    /// Of these not read.
    pub unread: u64,
    /// Deleted, still in the restore window.
    pub deleted: u64,
    /// Stored bytes.
    pub bytes: u64,
    /// Messages of class 1, 2, 3.
    pub by_class: [u64; 3],
    /// When the last one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_in: Option<Timestamp>,
}

/// `GET /v1/mailboxes`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxQuery {
    /// Only this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MailboxState>,
    /// Whether messages, sizes and key epochs are wanted too: they cost more than a row each.
    #[serde(default)]
    pub figures: bool,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A mailbox in a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MailboxRow {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// Since when in this state.
    pub since: Timestamp,
    /// What was counted, where it was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// What is counted for a mailbox in a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Figures {
    /// Messages that are not deleted.
    pub messages: u64,
    /// Of these not read.
    pub unread: u64,
    /// Stored bytes.
    pub bytes: u64,
    /// Key epoch of the basic and of the high tier; absent while the directory cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<[u32; 2]>,
}

/// A mailbox in full.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Mailbox {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// When it was registered.
    pub registered: Timestamp,
    /// Messages and sizes.
    pub contents: Contents,
    /// Key epoch of the basic and of the high tier; absent while the directory cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<[u32; 2]>,
}

/// `GET /v1/mailboxes/stats`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// Mailboxes that take deliveries.
    pub active: u64,
    /// Suspended ones.
    pub suspended: u64,
    /// Messages that are not deleted.
    pub messages: u64,
    /// Of these not read.
    pub unread: u64,
    /// Stored bytes of content.
    pub bytes: u64,
    /// Messages of class 1, 2, 3.
    pub by_class: [u64; 3],
    /// When these figures were counted.
    pub counted: Timestamp,
}

/// `GET /v1/mailboxes/{mailbox}/messages`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MessageQuery {
    /// Only this class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u8>,
    /// Deleted ones instead of the others.
    #[serde(default)]
    pub deleted: bool,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A message as staff see it: no subject, no names of parts.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MessageRow {
    /// The message.
    pub message: MessageId,
    /// The delivery that brought it.
    pub delivery: DeliveryId,
    /// The authority.
    pub sender: OrganisationNumber,
    /// When it came.
    pub received: Timestamp,
    /// Protection class.
    pub class: ProtectionClass,
    /// Stored bytes.
    pub bytes: u64,
    /// Whether it was read.
    pub read: bool,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
}

/// `POST /v1/mailboxes/verify`: starts a job.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// One mailbox; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<MailboxId>,
    /// How many per cent of the messages, 1–100; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_pct: Option<u8>,
}

/// What verifying found; stands in its job as soon as that has ended.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Verified {
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Bytes of ciphertext whose tags were checked.
    pub bytes: u64,
    /// How many things are not as they should be.
    pub findings_total: u64,
    /// What is not as it should be, at most the first 50; the daemon's journal has more.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The mailbox, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<MailboxId>,
    /// The message, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The delivery, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// What is wrong.
    pub what: String,
}
