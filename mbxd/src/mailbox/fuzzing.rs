//! Entry points for hostile bytes (`fuzz/`): each reads as the room does and, where the bytes are
//! taken, gives what writing them again yields.

use super::base64_text;
use super::manifest::Manifest;
use super::row::{
    ArrivalRow, DedupRow, DeliveryRow, JtiRow, MailboxRow, MessageRow, Row, arrival_parts, due_key,
    due_parts, message_parts, sender_message_parts,
};
use bytes::Bytes;

/// A manifest. Its JSON may be spelt otherwise, but reads back as what was read.
pub fn manifest(bytes: &[u8]) -> Option<Vec<u8>> {
    let manifest = Manifest::decode(bytes).ok()?;
    let parts = manifest.messages.iter().flat_map(|message| {
        let _ = message.len();
        (0..=message.attachments.len()).filter_map(|number| message.part(number))
    });
    let _ = parts.count();
    manifest.encode().ok()
}

/// Counts the octets of base64 text: how many it says.
pub fn base64_len(text: &[u8]) -> Option<u64> {
    base64_text::measure(text).ok().map(|measured| measured.len)
}

/// A row of any table of the room.
pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<MessageRow>(bytes)
        .or_else(|| again::<MailboxRow>(bytes))
        .or_else(|| again::<DeliveryRow>(bytes))
        .or_else(|| again::<ArrivalRow>(bytes))
        .or_else(|| again::<DedupRow>(bytes))
        .or_else(|| again::<JtiRow>(bytes))
}

/// A key of the *retention* table; the keys of other tables are read besides.
pub fn due(bytes: &[u8]) -> Option<Vec<u8>> {
    let _ = (message_parts(bytes), arrival_parts(bytes), sender_message_parts(bytes));
    due_parts(&Bytes::copy_from_slice(bytes)).map(|due| due_key(&due).to_vec())
}

fn again<R: Row>(bytes: &[u8]) -> Option<Vec<u8>> {
    R::decode(bytes).ok()?.encode().ok().map(|row| row.to_vec())
}
