//! From bytes to typed parts: a bounded pre-scan, the tree, the operations of Service v3.
//!
//! [`Document::read`] refuses what no sender needs (DTD, comments, floods) before any tree is
//! built; [`parse`] reads exactly the child lists of the schema, by expanded name. What it gives
//! borrows from the one tree that [`signature::verify`](super::signature::verify) digests, so that
//! nothing is stored but what was signed.
//!
//! Source: `docs/architecture.md`; the Service v3 schema; SOAP 1.1.
#![warn(clippy::arithmetic_side_effects)]

mod children;
mod declaration;
mod delivery;
mod document;
mod error;
mod forward;
mod name;
mod notify;
mod octets;
mod prescan;
mod request;
mod simple;

pub use delivery::{
    Header, Message, MessageHeader, Metadata, Part, ReceiptRequest, Reply, Seal, SealedDelivery,
    Sender, SupportInfo,
};
pub use document::{Document, ReadError};
pub use error::ParseError;
pub use forward::ForwardDelivery;
pub use notify::{EmailText, NotificationDelivery, SmsText};
pub use octets::Octets;
pub use prescan::{PrescanError, PrescanLimits, prescan};
pub use request::{Request, parse};
pub use simple::{RecipientId, Text};

pub(in crate::delivery) use children::Children;
pub(in crate::delivery) use delivery::Levels;
pub(in crate::delivery) use document::Element;
pub(in crate::delivery) use name::{Name, ns};

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::format_collect,
    clippy::string_slice,
    reason = "tests count, and cut texts at places that they found"
)]
mod tests;
