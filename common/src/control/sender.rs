//! `/v1/senders`: authorities that may deliver, and who may deliver for them.

use crate::identity::OrganisationNumber;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether a sender may deliver.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SenderState {
    /// May deliver.
    Allowed,
    /// May not.
    Blocked,
}

/// A sender.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sender {
    /// The authority.
    pub organisation: OrganisationNumber,
    /// Its name, as staff gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it may deliver.
    pub state: SenderState,
    /// Since when.
    pub since: Timestamp,
    /// Who may act for it, and how; itself always may.
    pub dispatchers: Vec<Dispatcher>,
    /// The class of its `notify` messages, where it is not 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_class: Option<u8>,
    /// Until when signatures with SHA-1 are taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1_until: Option<Timestamp>,
}

/// A dispatcher and what it may do for a sender.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatcher {
    /// Its organisation.
    pub organisation: OrganisationNumber,
    /// Whether it may sign in the sender's place, and send `notify` in its name.
    pub sign: bool,
    /// Whether it may seal and bring what the sender signed.
    pub seal: bool,
}

/// `POST /v1/senders/{organisation}/allow`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRequest {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who may act for it, besides those that may already; who is named anew gets these rights
    /// instead of the former ones.
    #[serde(default)]
    pub dispatchers: Vec<Dispatcher>,
    /// The class of its `notify` messages: 1 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_class: Option<u8>,
    /// Until when signatures with SHA-1 are taken from it, within a year; a moment that has passed
    /// ends the exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1_until: Option<Timestamp>,
}

/// `POST /v1/senders/{organisation}/block`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// Only this dispatcher for this sender; absent: the sender altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatcher: Option<OrganisationNumber>,
}

/// A sender that was changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SenderChanged {
    /// The sender now.
    pub sender: Sender,
    /// Position in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}
