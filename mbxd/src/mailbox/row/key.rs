//! Keys of the room's tables: fixed width, big-endian, so that byte order is the order wanted.

use crate::store::KeyRange;
use bytes::Bytes;
use mbx_common::id::{DeliveryId, MailboxId};
use mbx_common::time::Timestamp;

/// Key of the *message* table: mailbox (16) ‖ sequence (8).
pub(crate) fn message_key(mailbox: MailboxId, sequence: u64) -> Bytes {
    [mailbox.as_bytes().as_slice(), &sequence.to_be_bytes()].concat().into()
}

/// The parts of a *message* key, which is also the value of a *message place* row.
pub(crate) fn message_parts(key: &[u8]) -> Option<(MailboxId, u64)> {
    let (mailbox, sequence) = key.split_at_checked(MailboxId::LEN)?;
    Some((MailboxId::from_slice(mailbox)?, u64::from_be_bytes(sequence.try_into().ok()?)))
}

/// Key of the *delivery by time* table: milliseconds (8) ‖ delivery (16).
pub(crate) fn arrival_key(received: Timestamp, delivery: DeliveryId) -> Bytes {
    [received.as_millis().to_be_bytes().as_slice(), delivery.as_bytes()].concat().into()
}

/// The parts of a *delivery by time* key.
pub(crate) fn arrival_parts(key: &[u8]) -> Option<(Timestamp, DeliveryId)> {
    let (ms, delivery) = key.split_first_chunk()?;
    let received = Timestamp::from_millis(u64::from_be_bytes(*ms)).ok()?;
    Some((received, DeliveryId::from_slice(delivery)?))
}

/// Key of the *sender message* table: keyed mark of the sender's message id (32) ‖ delivery (16).
pub(crate) fn sender_message_key(mark: &[u8; 32], delivery: DeliveryId) -> Bytes {
    [mark.as_slice(), delivery.as_bytes()].concat().into()
}

/// The delivery in a *sender message* key.
pub(crate) fn sender_message_parts(key: &[u8]) -> Option<DeliveryId> {
    DeliveryId::from_slice(key.split_at_checked(32)?.1)
}

/// What kind of row expires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expiring {
    /// A row of the *dedup* table.
    Dedup,
    /// A row of the *jti* table.
    Jti,
    /// A deleted message whose restore window ends.
    DeletedMessage,
}

impl Expiring {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Dedup, Self::Jti, Self::DeletedMessage];

    /// The byte in the key: never reused.
    const fn code(self) -> u8 {
        match self {
            Self::Dedup => 1,
            Self::Jti => 2,
            Self::DeletedMessage => 3,
        }
    }
}

/// One row of the *retention* table: what may be dropped, and from when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Due {
    /// When.
    pub(crate) at: Timestamp,
    /// What kind.
    pub(crate) what: Expiring,
    /// The key in the kind's own table.
    pub(crate) key: Bytes,
}

/// Key of the *retention* table: kind (1) ‖ milliseconds since 1970 at which it is due (8) ‖ key.
/// The kind leads and its rows lie by moment, so that a sweep reads what is due and nothing else.
pub(crate) fn due_key(due: &Due) -> Bytes {
    [&[due.what.code()], due.at.as_millis().to_be_bytes().as_slice(), &due.key].concat().into()
}

/// The parts of a *retention* key.
pub(crate) fn due_parts(key: &Bytes) -> Option<Due> {
    let (code, rest) = key.split_first()?;
    let (ms, rest) = rest.split_first_chunk()?;
    Some(Due {
        at: Timestamp::from_millis(u64::from_be_bytes(*ms)).ok()?,
        what: Expiring::ALL.into_iter().find(|what| what.code() == *code)?,
        key: key.slice_ref(rest),
    })
}

/// The *retention* keys of one kind that are due at this moment.
pub(crate) fn due_by(what: Expiring, now: Timestamp) -> KeyRange {
    let mut range = KeyRange::prefix(&[what.code()]);
    range.until = Some(due_key(&Due { at: now.plus_millis(1), what, key: Bytes::new() }));
    range
}
