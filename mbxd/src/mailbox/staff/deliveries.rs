//! What authorities sent, and what became of it.

use super::error::StaffError;
use crate::mailbox::incoming::Operation;
use crate::mailbox::row::{ArrivalRow, DeliveryOutcome, DeliveryRow, arrival_key, arrival_parts};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, KeyRange, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::error::Code;
use mbx_common::id::{DeliveryId, RequestId};
use mbx_common::identity::OrganisationNumber;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Timestamp;

/// Rows read for one page at most, whatever the filter leaves out.
const ROWS_READ_MAX: usize = 20 * LIST_ROWS_MAX;

/// Which deliveries.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeliveryFilter {
    /// Only this outcome; `Refused` shows counted refusals too.
    pub outcome: Option<DeliveryOutcome>,
    /// Only those that came again.
    pub repeated: bool,
    /// Only from this authority.
    pub sender: Option<OrganisationNumber>,
    /// Only since.
    pub since: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// Rows at most.
    pub limit: Option<usize>,
    /// Read on before this one; from a former [`DeliveryPage::next`].
    pub before: Option<(Timestamp, DeliveryId)>,
}

/// A delivery's facts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliveryFacts {
    /// The delivery: the `TransId` where it was answered.
    pub delivery: DeliveryId,
    /// The request.
    pub request: RequestId,
    /// When its first byte came.
    pub received: Timestamp,
    /// How it ended.
    pub outcome: DeliveryOutcome,
    /// The operation, where it got that far.
    pub operation: Option<Operation>,
    /// The authority, where established.
    pub sender: Option<OrganisationNumber>,
    /// The organisation of the client certificate, where established.
    pub dispatcher: Option<OrganisationNumber>,
    /// The class, where something was stored.
    pub class: Option<ProtectionClass>,
    /// How many recipients it named.
    pub recipients: u64,
    /// How many mailboxes it was stored for.
    pub delivered: u64,
    /// How many messages it holds.
    pub messages: u64,
    /// Length of the payload, in bytes.
    pub payload_len: u64,
    /// Our code of the cause, and the fault's `ErrorCode` (0 where refusals were counted).
    pub refusal: Option<(Code, u16)>,
    /// How many calls the row stands for.
    pub calls: u64,
    /// How often it came again.
    pub repeats: u64,
    /// When it last came again.
    pub repeated: Option<Timestamp>,
}

/// One page, the newest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<DeliveryFacts>,
    /// Where to read on; `None` at the end.
    pub next: Option<(Timestamp, DeliveryId)>,
}

impl Mailboxes {
    /// Lists deliveries, the newest first.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<DeliveryPage, StaffError> {
        let limit = filter.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
        let mut range = filter.range();
        let (mut deliveries, mut read) = (Vec::new(), 0_usize);
        loop {
            let page =
                self.store().scan(Table::DeliveryByTime, range.clone(), LIST_ROWS_MAX).await?;
            read = read.saturating_add(page.rows.len());
            let mut last = None;
            for (key, raw) in &page.rows {
                let place = arrival_parts(key).ok_or(BadRow)?;
                last = Some(place);
                if !filter.admits(ArrivalRow::decode(raw)?) {
                    continue;
                }
                let row = self.delivery_row(place.1).await?.ok_or(BadRow)?;
                if filter.sender.is_some_and(|sender| row.sender != Some(sender)) {
                    continue;
                }
                deliveries.push(facts(place.1, &row));
                if deliveries.len() == limit {
                    return Ok(DeliveryPage { deliveries, next: last });
                }
            }
            match last {
                Some((time, delivery)) if page.more && read < ROWS_READ_MAX => {
                    range.until = Some(arrival_key(time, delivery));
                }
                last => {
                    return Ok(DeliveryPage { deliveries, next: last.filter(|_| page.more) });
                }
            }
        }
    }

    /// The first two deliveries whose ids are not below this one: what a beginning is looked up
    /// by.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read.
    pub async fn deliveries_from(&self, first: DeliveryId) -> Result<Vec<DeliveryId>, StaffError> {
        let mut range = KeyRange::all();
        range.from = Bytes::copy_from_slice(first.as_bytes());
        let page = self.store().scan(Table::Delivery, range, 2).await?;
        let ids = page.rows.iter().map(|(key, _)| DeliveryId::from_slice(key).ok_or(BadRow));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    pub(super) async fn delivery_row(
        &self,
        delivery: DeliveryId,
    ) -> Result<Option<DeliveryRow>, StaffError> {
        match self.store().get(Table::Delivery, delivery.as_bytes()).await? {
            Some(raw) => Ok(Some(DeliveryRow::decode(&raw)?)),
            None => Ok(None),
        }
    }
}

impl DeliveryFilter {
    fn range(&self) -> KeyRange {
        let lowest = DeliveryId::from_bytes([0; DeliveryId::LEN]);
        let mut range = KeyRange::all().backwards();
        if let Some(since) = self.since {
            range.from = arrival_key(since, lowest);
        }
        let until = self.until.map(|until| arrival_key(until, lowest));
        let before = self.before.map(|(time, delivery)| arrival_key(time, delivery));
        range.until = match (until, before) {
            (Some(until), Some(before)) => Some(until.min(before)),
            (until, before) => until.or(before),
        };
        range
    }

    fn admits(&self, row: ArrivalRow) -> bool {
        let counted = row.outcome == DeliveryOutcome::RefusedCounted;
        self.outcome.is_none_or(|wanted| {
            wanted == row.outcome || (counted && wanted == DeliveryOutcome::Refused)
        }) && (!self.repeated || row.repeated)
    }
}

pub(super) fn facts(delivery: DeliveryId, row: &DeliveryRow) -> DeliveryFacts {
    let answer = row.answer.as_ref();
    DeliveryFacts {
        delivery,
        request: row.request,
        received: row.received,
        outcome: row.outcome,
        operation: row.operation(),
        sender: row.sender,
        dispatcher: row.dispatcher,
        class: answer.and_then(|answer| answer.class),
        recipients: answer.map_or(0, |answer| answer.recipients.into()),
        delivered: answer
            .map_or(0, |answer| u64::try_from(answer.mailboxes.len()).unwrap_or(u64::MAX)),
        messages: answer.map_or(0, |answer| answer.messages.into()),
        payload_len: answer.map_or(0, |answer| answer.payload_len),
        refusal: row.refusal.map(|(code, fault)| (Code(code), fault)),
        calls: row.calls,
        repeats: row.repeats.into(),
        repeated: row.repeated,
    }
}
