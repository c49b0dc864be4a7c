//! The mailboxes behind the door.

use super::port::{Intake, Taken};
use crate::mailbox::Mailboxes;
use crate::mailbox::incoming::{Incoming, Refusal};
use crate::telemetry::Chain;
use futures_util::future::BoxFuture;
use mbx_common::error::Kind;

impl Intake for Mailboxes {
    fn accept(&self, incoming: Incoming) -> BoxFuture<'_, Result<Taken, Kind>> {
        Box::pin(async move {
            let request = incoming.request;
            match Mailboxes::accept(self, incoming).await {
                Ok(accepted) => Ok(Taken {
                    delivery: accepted.delivery,
                    delivered: accepted.statuses,
                    repeated: accepted.repeated,
                }),
                Err(error) => {
                    let cause = Chain(&error);
                    tracing::warn!(%request, %cause, "a delivery could not be stored");
                    Err(error.kind())
                }
            }
        })
    }

    fn refuse(&self, refusal: Refusal) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let request = refusal.request;
            Mailboxes::refuse(self, refusal).await.unwrap_or_else(|error| {
                let cause = Chain(&error);
                tracing::warn!(%request, %cause, "no account could be kept of a refused delivery");
                true
            })
        })
    }
}
