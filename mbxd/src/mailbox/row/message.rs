//! The message row.

use super::Row;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{ContentId, DeliveryId, MessageId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Row of the *message* table, under (mailbox, sequence).
///
/// Nothing readable stands in it. Class, delivery, place and content root are authenticated by the
/// sealed DEK's binding: a row with one of them swapped opens nothing.
/// Source: `docs/formats/message-row.md`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct MessageRow {
    /// Its name.
    pub(crate) id: MessageId,
    /// The delivery that brought it.
    pub(crate) delivery: DeliveryId,
    /// Its place in the delivery, from 0, as the manifest counts.
    pub(crate) place: u32,
    /// Its protection class.
    pub(crate) class: ProtectionClass,
    /// The authority it is from.
    pub(crate) sender: OrganisationNumber,
    /// When the delivery's first byte came.
    pub(crate) received: Timestamp,
    /// Decoded length of body and attachments, in bytes.
    pub(crate) len: u64,
    /// How many attachments.
    pub(crate) attachments: u16,
    /// The content that holds the manifest.
    pub(crate) manifest: ContentId,
    /// Content root of the delivery.
    pub(crate) content_root: [u8; 32],
    /// The key epoch of the mailbox's tier that the DEK is sealed to.
    pub(crate) epoch: u32,
    /// The DEK sealed to the mailbox (`docs/formats/sealed-dek.md`).
    pub(crate) sealed_dek: Vec<u8>,
    /// When the holder marked it read.
    pub(crate) read: Option<Timestamp>,
    /// Since when it is deleted, and how long it can be restored.
    pub(crate) deleted: Option<Deletion>,
}

/// A deletion that can be taken back until its window ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Deletion {
    /// When the holder deleted it.
    pub(crate) at: Timestamp,
    /// When its key is erased.
    pub(crate) until: Timestamp,
}

impl Row for MessageRow {
    const VERSION: u8 = 1;
}
