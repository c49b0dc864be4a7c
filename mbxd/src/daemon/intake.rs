//! Puts the mailboxes behind the authorities' door.

use crate::delivery::{BoxFuture, Intake, Taken};
use crate::mailbox::Mailboxes;
use crate::mailbox::incoming::{Incoming, Refusal};
use crate::telemetry::Chain;
use crate::telemetry::metrics::{DELIVERIES_FAILED, DELIVERIES_REFUSED};
use mbx_common::error::Kind;

/// The mailboxes, as the door asks for them.
#[derive(Debug)]
pub(super) struct ToMailboxes(pub(super) Mailboxes);

impl Intake for ToMailboxes {
    fn accept(&self, incoming: Incoming) -> BoxFuture<'_, Result<Taken, Kind>> {
        Box::pin(async move {
            let request = incoming.request;
            match self.0.accept(incoming).await {
                Ok(accepted) => Ok(Taken {
                    delivery: accepted.delivery,
                    delivered: accepted.statuses,
                    repeated: accepted.repeated,
                }),
                Err(error) => {
                    DELIVERIES_FAILED.add_one();
                    tracing::error!(%request, error = %Chain(&error), "a delivery was not stored");
                    Err(error.kind())
                }
            }
        })
    }

    fn refuse(&self, refusal: Refusal) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let request = refusal.request;
            DELIVERIES_REFUSED.add_one();
            if let Err(error) = self.0.refuse(refusal).await {
                tracing::error!(%request, error = %Chain(&error), "a refusal was not recorded");
            }
        })
    }
}
