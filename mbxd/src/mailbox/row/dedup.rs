//! What a repeat is answered with.

use super::Row;
use mbx_common::id::DeliveryId;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Row of the *dedup* table: the original answer of one recipient.
///
/// Its key is an HMAC over recipient, sender and repeat mark: no number is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct DedupRow {
    /// The delivery whose `TransId` was answered.
    pub(crate) delivery: DeliveryId,
    /// Whether it was delivered.
    pub(crate) delivered: bool,
    /// Until when a repeat is recognised.
    pub(crate) until: Timestamp,
}

impl Row for DedupRow {
    const VERSION: u8 = 1;
}
