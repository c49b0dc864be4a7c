//! Rows of the index that the mailbox room writes: a version byte, then postcard.
//!
//! `docs/formats/message-row.md` and `docs/formats/delivery-row.md` draw them. Rows of a version
//! that is not known are refused, never guessed at; keys are of fixed width.

mod dedup;
mod delivery;
mod jti;
mod key;
mod mailbox;
mod message;

pub(crate) use dedup::DedupRow;
pub use delivery::DeliveryOutcome;
pub(crate) use delivery::{Answer, ArrivalRow, DeliveryRow};
pub(crate) use jti::JtiRow;
pub(crate) use key::{
    Due, Expiring, arrival_key, arrival_parts, due_by, due_key, due_parts, message_key,
    message_parts, sender_message_key, sender_message_parts,
};
pub(crate) use mailbox::{MailboxRow, NewMailbox};
pub(crate) use message::{Deletion, MessageRow};

pub(crate) use crate::store::{BadRow, Row};

#[cfg(test)]
mod tests;
