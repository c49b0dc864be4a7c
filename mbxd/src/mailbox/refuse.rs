//! What the authorities' door refused, for the audit log and `delivery list`.

use super::incoming::{Operation, Refusal};
use super::row::{DeliveryOutcome, DeliveryRow, arrival_key};
use super::service::Mailboxes;
use crate::store::{Admitted, BadRow, Changes, CommitError, Counted, Row as _, Table};
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome, Subject};
use mbx_common::error::{Code, Kind};
use mbx_common::id::{DeliveryId, RequestId};
use mbx_common::identity::OrganisationNumber;

/// Whose refusals, and of what cause (the number of our `MBX-nnnn`).
pub(super) type Flood = (Option<OrganisationNumber>, u16);

/// Why a refusal was not recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefuseError {
    /// The audit entry could not be written.
    #[error("cannot record a refused delivery")]
    Commit(#[from] CommitError),
    /// The row cannot be written.
    #[error(transparent)]
    Row(#[from] BadRow),
}

impl RefuseError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Commit(error) => error.kind(),
            Self::Row(_) => Kind::Internal,
        }
    }
}

impl Mailboxes {
    /// Records a refused call: one entry and one row for the first of a sender and cause within a
    /// minute (`true`), a count for the others (`false`).
    ///
    /// A count of the minute before that cannot be written stays counted; this refusal is written
    /// all the same.
    ///
    /// # Errors
    /// [`RefuseError`]; the call is refused all the same.
    pub async fn refuse(&self, refusal: Refusal) -> Result<bool, RefuseError> {
        let flood = (refusal.dispatcher, refusal.cause.0);
        let admitted = self.floods().admit(&flood, self.now());
        let Admitted::Write { before } = admitted else { return Ok(false) };
        let counted = match before {
            Some(counted) => self.write_counted(counted).await,
            None => Ok(()),
        };
        let written = self.write_refusal(&refusal).await;
        if written.is_err() {
            self.floods().unwritten(&flood);
        }
        written.and(counted).map(|()| true)
    }

    /// Writes what was counted of deliveries and of portals in minutes that are over; in every
    /// minute where `all`. To be called every minute, and with `all` at stop.
    ///
    /// # Errors
    /// [`RefuseError`] of the first count that could not be written; what was not written stays
    /// counted.
    pub async fn flush_refusals(&self, all: bool) -> Result<(), RefuseError> {
        let deliveries = self.flush_floods(all).await;
        let portals = self.refusals().flush(self.store(), self.now(), all).await;
        deliveries.and(portals.map_err(RefuseError::from))
    }

    async fn flush_floods(&self, all: bool) -> Result<(), RefuseError> {
        while let Some(counted) = self.floods().take_over(self.now(), all) {
            self.write_counted(counted).await?;
        }
        Ok(())
    }

    async fn write_refusal(&self, refusal: &Refusal) -> Result<(), RefuseError> {
        let row = DeliveryRow {
            request: refusal.request,
            outcome: DeliveryOutcome::Refused,
            operation: refusal.operation.map_or(0, Operation::code),
            sender: refusal.sender,
            dispatcher: refusal.dispatcher,
            received: refusal.received,
            stages: refusal.stages.iter().map(|(stage, us)| (stage.code(), *us)).collect(),
            answer: None,
            refusal: Some((refusal.cause.0, refusal.fault)),
            calls: 1,
            repeats: 0,
            repeated: None,
        };
        let mut entry = Entry::new(self.now(), Event::DeliveryRefused, actor(refusal.dispatcher))
            .outcome(Outcome::Refused)
            .request(refusal.request)
            .reason(refusal.cause.to_string())
            .fact(Fact::Code(refusal.fault));
        entry.peer.clone_from(&refusal.peer);
        self.write_row(row, entry).await
    }

    async fn write_counted(&self, counted: Counted<Flood>) -> Result<(), RefuseError> {
        let (dispatcher, cause) = counted.key;
        let row = DeliveryRow {
            request: RequestId::from_bytes([0; RequestId::LEN]),
            outcome: DeliveryOutcome::RefusedCounted,
            operation: 0,
            sender: None,
            dispatcher,
            received: counted.minute,
            stages: Vec::new(),
            answer: None,
            refusal: Some((cause, 0)),
            calls: counted.calls,
            repeats: 0,
            repeated: None,
        };
        let entry = Entry::new(self.now(), Event::DeliveriesRefusedCounted, actor(dispatcher))
            .outcome(Outcome::Refused)
            .reason(Code(cause).to_string())
            .fact(Fact::Moment(counted.minute))
            .fact(Fact::Count(counted.calls));
        let written = self.write_row(row, entry).await;
        if written.is_err() {
            self.floods().put_back(counted);
        }
        written
    }

    async fn write_row(&self, row: DeliveryRow, entry: Entry) -> Result<(), RefuseError> {
        let delivery = DeliveryId::from_bytes(crate::random::id(row.received));
        let mut changes = Changes::new();
        changes.put(Table::Delivery, delivery.as_bytes().to_vec(), row.encode()?).put(
            Table::DeliveryByTime,
            arrival_key(row.received, delivery),
            row.arrival().encode()?,
        );
        let mut entry = entry.about(Subject::Delivery(delivery));
        if let Some(sender) = row.sender {
            entry = entry.about(Subject::Organisation(sender));
        }
        self.store().commit(changes, entry).await?;
        Ok(())
    }
}

/// Who called: the organisation of the client certificate, where established.
fn actor(organisation: Option<OrganisationNumber>) -> Actor {
    organisation.map_or(Actor::Unknown, Actor::Authority)
}
