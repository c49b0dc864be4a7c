//! The delivery row and its entry in the order of arrival.

use super::Row;
use crate::mailbox::incoming::{Operation, Stage};
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{ContentId, MailboxId, RequestId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a call ended. The byte stands in stored rows: never reused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum DeliveryOutcome {
    /// Stored for at least one recipient.
    Accepted,
    /// Sound, but no recipient has a mailbox that receives.
    NotDeliverable,
    /// Answered with a fault.
    Refused,
    /// Further refusals of the same sender and cause within a minute.
    RefusedCounted,
}

impl DeliveryOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] =
        [Self::Accepted, Self::NotDeliverable, Self::Refused, Self::RefusedCounted];

    /// The byte in stored rows.
    pub const fn code(self) -> u8 {
        match self {
            Self::Accepted => 1,
            Self::NotDeliverable => 2,
            Self::Refused => 3,
            Self::RefusedCounted => 4,
        }
    }

    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotDeliverable => "not deliverable",
            Self::Refused => "refused",
            Self::RefusedCounted => "refused, counted",
        }
    }
}

impl From<DeliveryOutcome> for u8 {
    fn from(outcome: DeliveryOutcome) -> Self {
        outcome.code()
    }
}

impl TryFrom<u8> for DeliveryOutcome {
    type Error = super::BadRow;

    fn try_from(code: u8) -> Result<Self, super::BadRow> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code).ok_or(super::BadRow)
    }
}

/// Row of the *delivery* table.
///
/// Holds no number of a recipient and nothing of the content.
/// Source: `docs/formats/delivery-row.md`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct DeliveryRow {
    /// The request, as faults and logs name it.
    pub(crate) request: RequestId,
    /// How it ended.
    pub(crate) outcome: DeliveryOutcome,
    /// Code of the operation, 0 where the call did not get that far.
    pub(crate) operation: u8,
    /// The authority it is from, where established.
    pub(crate) sender: Option<OrganisationNumber>,
    /// The organisation of the client certificate, where established.
    pub(crate) dispatcher: Option<OrganisationNumber>,
    /// When its first byte came.
    pub(crate) received: Timestamp,
    /// Codes of the stages and how long each took, in microseconds.
    pub(crate) stages: Vec<(u8, u64)>,
    /// What was stored and answered; absent for refusals.
    pub(crate) answer: Option<Answer>,
    /// Our code of the cause and the fault's `ErrorCode`, for refusals.
    pub(crate) refusal: Option<(u16, u16)>,
    /// How many calls the row stands for: 1, or more where refusals were counted.
    pub(crate) calls: u64,
    /// How often the same delivery came again.
    pub(crate) repeats: u32,
    /// When it last came again.
    pub(crate) repeated: Option<Timestamp>,
}

/// What a sound call was answered with, and what was stored for it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Answer {
    /// The protection class; absent where nothing was stored.
    pub(crate) class: Option<ProtectionClass>,
    /// How many recipients the call named.
    pub(crate) recipients: u16,
    /// The mailboxes it was stored for.
    pub(crate) mailboxes: Vec<MailboxId>,
    /// How many messages it holds.
    pub(crate) messages: u16,
    /// Length of the payload as received, in bytes.
    pub(crate) payload_len: u64,
    /// The stored contents in the manifest's order, the manifest first.
    pub(crate) contents: Vec<ContentId>,
    /// The content root; zeros where nothing was stored.
    pub(crate) content_root: [u8; 32],
}

impl Row for DeliveryRow {
    const VERSION: u8 = 1;
}

impl DeliveryRow {
    /// The operation, where the call got that far.
    pub(crate) const fn operation(&self) -> Option<Operation> {
        Operation::from_code(self.operation)
    }

    /// The stages that are known, in order.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (Stage, u64)> {
        self.stages.iter().filter_map(|&(code, us)| Some((Stage::from_code(code)?, us)))
    }

    /// What stands of it in the order of arrival.
    pub(crate) const fn arrival(&self) -> ArrivalRow {
        ArrivalRow { outcome: self.outcome, repeated: self.repeats > 0 }
    }
}

/// Row of the *delivery by time* table: enough to filter without reading every delivery.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ArrivalRow {
    /// How it ended.
    pub(crate) outcome: DeliveryOutcome,
    /// Whether it came again.
    pub(crate) repeated: bool,
}

impl Row for ArrivalRow {
    const VERSION: u8 = 1;
}
