//! Whom a delivery reaches: found, without a mailbox, or served before.

use super::accept::AcceptError;
use super::incoming::Incoming;
use super::row::DedupRow;
use super::service::Mailboxes;
use crate::keys::Found;
use crate::store::{Row as _, Table};
use bytes::Bytes;
use mbx_common::id::DeliveryId;
use mbx_common::identity::NationalNumber;
use std::collections::HashMap;

/// After how many recipients of a call other calls get their turn.
const TURN: usize = 64;

/// What becomes of one recipient of a call.
pub(super) enum Recipient {
    /// No mailbox here that receives: answered with `Delivered=false`.
    Unreachable,
    /// Served before: the original answer is given again.
    Served(DedupRow),
    /// To be served now.
    Fresh(Box<Fresh>),
    /// Named before in the same call, by its place there.
    SameAs(usize),
}

/// A recipient that is to be served.
pub(super) struct Fresh {
    /// The directory row that was read: the commit expects the same.
    pub(super) found: Found,
    /// Key of the dedup row.
    pub(super) mark: [u8; 32],
    /// An outdated dedup row under the same key.
    pub(super) outdated: Option<Bytes>,
}

/// What becomes of each recipient, in the order of the call.
pub(super) struct Recipients(pub(super) Vec<Recipient>);

impl Recipients {
    /// Those to be served now.
    pub(super) fn fresh(&self) -> impl Iterator<Item = &Fresh> {
        self.0.iter().filter_map(|recipient| match recipient {
            Recipient::Fresh(fresh) => Some(&**fresh),
            Recipient::Unreachable | Recipient::Served(_) | Recipient::SameAs(_) => None,
        })
    }

    /// The delivery that the first recipient served before was served by.
    pub(super) fn served_by(&self) -> Option<DeliveryId> {
        self.0.iter().find_map(|recipient| match recipient {
            Recipient::Served(row) => Some(row.delivery),
            Recipient::Unreachable | Recipient::Fresh(_) | Recipient::SameAs(_) => None,
        })
    }

    /// The answer for each recipient once the fresh ones are served.
    pub(super) fn statuses(&self) -> Vec<bool> {
        self.0.iter().map(|recipient| self.status(recipient)).collect()
    }

    fn status(&self, recipient: &Recipient) -> bool {
        match recipient {
            Recipient::Unreachable => false,
            Recipient::Served(row) => row.delivered,
            Recipient::Fresh(_) => true,
            // It names the first such place, and what stands there is never of this kind.
            Recipient::SameAs(place) => match self.0.get(*place) {
                Some(Recipient::Served(row)) => row.delivered,
                Some(Recipient::Fresh(_)) => true,
                Some(Recipient::Unreachable | Recipient::SameAs(_)) | None => false,
            },
        }
    }
}

impl Mailboxes {
    /// Looks every recipient up in the directory and among the marks of earlier deliveries.
    ///
    /// A recipient without a mailbox leaves no mark: once registered, the same delivery sent again
    /// reaches it.
    pub(super) async fn resolve(&self, incoming: &Incoming) -> Result<Recipients, AcceptError> {
        let mut recipients = Vec::with_capacity(incoming.recipients.len());
        let mut seen: HashMap<&NationalNumber, usize> = HashMap::new();
        for (place, number) in incoming.recipients.iter().enumerate() {
            if place % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            recipients.push(match number {
                Some(number) => match *seen.entry(number).or_insert(place) {
                    first if first < place => Recipient::SameAs(first),
                    _ => self.recipient(incoming, number).await?,
                },
                None => Recipient::Unreachable,
            });
        }
        Ok(Recipients(recipients))
    }

    async fn recipient(
        &self,
        incoming: &Incoming,
        number: &NationalNumber,
    ) -> Result<Recipient, AcceptError> {
        let Some(found) = self.keys().find(number).await? else {
            return Ok(Recipient::Unreachable);
        };
        if !found.row.state.receives() {
            return Ok(Recipient::Unreachable);
        }
        let mark = self.repeat_mark(incoming, number)?;
        let outdated = match self.store().get(Table::Dedup, &mark).await? {
            Some(raw) => {
                let row = DedupRow::decode(&raw)?;
                if row.until > self.now() {
                    return Ok(Recipient::Served(row));
                }
                Some(raw)
            }
            None => None,
        };
        Ok(Recipient::Fresh(Box::new(Fresh { found, mark, outdated })))
    }

    /// HMAC over recipient, sender and what tells a repeat, in which the operation is: equal for
    /// the same delivery to the same recipient, and without the lookup secret it tells nothing.
    fn repeat_mark(
        &self,
        incoming: &Incoming,
        number: &NationalNumber,
    ) -> Result<[u8; 32], AcceptError> {
        let parts: [&[u8]; 4] =
            [b"repeat", number.digits(), incoming.sender.digits(), incoming.repeat_mark.as_bytes()];
        Ok(self.keys().mark(&parts)?)
    }
}
