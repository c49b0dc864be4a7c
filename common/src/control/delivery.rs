//! `/v1/deliveries`: what authorities sent, and what became of it.

use crate::id::{DeliveryId, MailboxId, RequestId};
use crate::identity::OrganisationNumber;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryResult {
    /// Taken.
    Accepted,
    /// Refused with a fault.
    Refused,
    /// A repeat: the first answer was given again.
    Repeated,
    /// Answered as not deliverable: nobody here has this number.
    NotDeliverable,
}

/// `GET /v1/deliveries`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryQuery {
    /// Only this result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<DeliveryResult>,
    /// Only from this authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<OrganisationNumber>,
    /// Only since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A delivery in a list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DeliveryRow {
    /// When it came.
    pub received: Timestamp,
    /// The delivery, where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryId>,
    /// The request.
    pub request: RequestId,
    /// The authority, where it was established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<OrganisationNumber>,
    /// The dispatcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatcher: Option<OrganisationNumber>,
    /// What became of it.
    pub result: DeliveryResult,
    /// Protection class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u8>,
    /// Recipients.
    pub recipients: u64,
    /// Bytes of the request.
    pub bytes: u64,
    /// Why it was refused: code of the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u16>,
    /// Why it was refused, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many refusals this row stands for.
    pub count: u64,
}

/// A delivery in all its stages.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trace {
    /// Its facts.
    pub delivery: DeliveryRow,
    /// The sender's own id that was asked for: ids are kept as keyed marks, so that they are known
    /// to whoever names them alone.
    pub sender_ids: Vec<String>,
    /// Other deliveries that carried the sender's id that was asked for, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<DeliveryId>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The mailboxes it went to, at most the first 50.
    pub mailboxes: Vec<MailboxId>,
    /// How often it was sent again with the same answer.
    pub repeats: u64,
    /// When it was last sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Timestamp>,
    /// Position in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}

/// One stage.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stage {
    /// Its name: `received`, `signature`, `durable` …
    pub name: String,
    /// When it ended, in microseconds after the first byte; of `durable` it is known for recent
    /// deliveries alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<u64>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
