//! What the door asks of others: the mailboxes behind it, and the malware scanner that it may not
//! import. The daemon wires both.

use crate::mailbox::incoming::{Incoming, Refusal};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::error::Kind;
use mbx_common::id::DeliveryId;

/// A delivery that was taken: it is durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taken {
    /// Its id, the `TransId` of the answer.
    pub delivery: DeliveryId,
    /// Whether it lies in each recipient's mailbox, in the order of the request.
    pub delivered: Vec<bool>,
    /// Whether it is a repeat, of which nothing was stored.
    pub repeated: bool,
}

/// Takes verified deliveries, and keeps account of refused ones.
pub trait Intake: Send + Sync {
    /// Takes a delivery; returns when it is durable.
    ///
    /// # Errors
    /// Whose move it is; nothing was stored then.
    fn accept(&self, incoming: Incoming) -> BoxFuture<'_, Result<Taken, Kind>>;

    /// Keeps account of a refused call, with its audit entry. A failure to do so is logged by the
    /// implementation: the call is refused all the same. Tells whether it has an entry of its own;
    /// of many alike within a minute only the first has, and the others are counted.
    fn refuse(&self, refusal: Refusal) -> BoxFuture<'_, bool>;
}

/// What the malware scanner decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Screened {
    /// The delivery goes on.
    Pass,
    /// The sender is told to come back.
    ComeBack,
}

/// Looks for malware in the decoded parts of a delivery.
pub trait Screen: Send + Sync {
    /// Whether parts are wanted at all; where not, none are decoded.
    fn is_on(&self) -> bool;

    /// Looks at every part.
    fn look(&self, parts: Vec<Bytes>) -> BoxFuture<'_, Screened>;
}
