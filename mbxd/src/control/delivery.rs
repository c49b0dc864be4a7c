//! `/v1/deliveries`: what authorities sent, and what became of it.

use super::answer::{Answer, hex, json};
use super::ask::Ask;
use super::held::refused;
use super::refusal::Refusal;
use super::rooms::Rooms;
use super::short_id::{is_beginning, the_one};
use crate::mailbox::DeliveryOutcome;
use crate::mailbox::incoming;
use crate::mailbox::staff::{self, DeliveryFacts, DeliveryFilter};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::Peer;
use mbx_common::control::Page;
use mbx_common::control::delivery::{DeliveryQuery, DeliveryResult, DeliveryRow, Stage, Trace};
use mbx_common::explain;
use mbx_common::id::DeliveryId;
use mbx_common::time::Timestamp;

/// Before a sender's own message id in the path.
const BY_SENDER_ID: &str = "sender:";

/// Mailboxes that a trace names; a `notify` may have a thousand.
const MAILBOXES_MAX: usize = 50;

/// Deliveries, the newest first.
pub(super) async fn list(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let query: DeliveryQuery = ask.query()?;
    let outcome = match query.result {
        None | Some(DeliveryResult::Repeated) => None,
        Some(DeliveryResult::Accepted) => Some(DeliveryOutcome::Accepted),
        Some(DeliveryResult::Refused) => Some(DeliveryOutcome::Refused),
        Some(DeliveryResult::NotDeliverable) => Some(DeliveryOutcome::NotDeliverable),
    };
    let filter = DeliveryFilter {
        outcome,
        repeated: query.result == Some(DeliveryResult::Repeated),
        sender: query.sender,
        since: query.since,
        until: query.until,
        limit: query.limit,
        before: query.after.as_deref().map(place).transpose()?,
    };
    let page = rooms.mailboxes.deliveries(filter).await.map_err(|error| refused(rooms, &error))?;
    let rows = page.deliveries.iter().map(row).collect();
    let next = page.next.map(|(time, id)| format!("{}.{id}", time.as_millis()));
    json(&Page { rows, next, total: None })
}

/// One delivery in all its stages: by our id or its beginning, the `TransId`, or the sender's id.
pub(super) async fn trace(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let wanted = ask.parameter();
    let (delivery, sender_ids, also) = match wanted.strip_prefix(BY_SENDER_ID) {
        Some(id) => {
            let found = rooms.mailboxes.trace_sender_id(id).await;
            let mut found = found.map_err(|error| refused(rooms, &error))?.into_iter();
            let none = || Refusal::new(explain::NO_DELIVERY, "no delivery carried this id");
            (found.next().ok_or_else(none)?, vec![id.to_owned()], found.collect())
        }
        None => (find(rooms, wanted).await?, Vec::new(), Vec::new()),
    };
    let trace = rooms.mailboxes.trace(delivery).await.map_err(|error| refused(rooms, &error))?;
    json(&Trace {
        delivery: row(&trace.facts),
        sender_ids,
        also,
        stages: stages(&trace),
        mailboxes: trace.mailboxes.iter().take(MAILBOXES_MAX).copied().collect(),
        repeats: trace.facts.repeats,
        repeated: trace.facts.repeated,
        audit: trace.place.map(|place| place.audit),
    })
}

/// The stages with the moment when each ended, and what is known of it.
fn stages(trace: &staff::Trace) -> Vec<Stage> {
    let mut at_us = 0_u64;
    let mut stages: Vec<Stage> = Vec::new();
    for &(stage, took_us) in &trace.stages {
        at_us = at_us.saturating_add(took_us);
        let (name, detail) = (stage.name().to_owned(), detail(trace, stage));
        stages.push(Stage { name, at_us: Some(at_us), detail });
    }
    if let Some(place) = &trace.place {
        stages.push(Stage {
            name: incoming::Stage::Durable.name().to_owned(),
            at_us: trace.commit_us.map(|took_us| at_us.saturating_add(took_us)),
            detail: Some(format!("commit {}, audit {}", place.commit, place.audit)),
        });
    }
    stages
}

fn detail(trace: &staff::Trace, stage: incoming::Stage) -> Option<String> {
    let facts = &trace.facts;
    match stage {
        incoming::Stage::Received => {
            let Peer::Remote { address, certificate } = trace.place.as_ref()?.peer.as_ref()? else {
                return None;
            };
            let short = certificate.as_ref().and_then(|digest| digest.get(..4)).map(hex);
            let certificate = short.map(|digits| format!(", certificate {digits}…"));
            Some(format!("from {address}{}", certificate.unwrap_or_default()))
        }
        incoming::Stage::Parsed if facts.messages > 0 => {
            Some(format!("messages {}, bytes {}", facts.messages, facts.payload_len))
        }
        incoming::Stage::Rights => match (facts.sender, facts.dispatcher) {
            (Some(sender), Some(dispatcher)) if sender != dispatcher => {
                Some(format!("{dispatcher} for {sender}"))
            }
            _ => None,
        },
        incoming::Stage::Recipient if facts.recipients > 0 => {
            let class = facts.class.map(|class| format!(", class {}", class.number()));
            let class = class.unwrap_or_default();
            Some(format!("{} of {} delivered{class}", facts.delivered, facts.recipients))
        }
        incoming::Stage::Sealed => {
            let root = trace.content_root.as_ref()?;
            let root = hex(root.get(..4)?);
            Some(format!("contents {}, root {root}…", trace.contents.len()))
        }
        incoming::Stage::Parsed
        | incoming::Stage::Signature
        | incoming::Stage::Recipient
        | incoming::Stage::Scan
        | incoming::Stage::Durable => None,
    }
}

async fn find(rooms: &Rooms, text: &str) -> Result<DeliveryId, Refusal> {
    if let Some(id) = text.parse().ok().or_else(|| trans_id(text)) {
        return Ok(id);
    }
    if !is_beginning(text, DeliveryId::PREFIX) {
        let detail = "a delivery is named by dlv_ and at least 6 hex digits, or by its TransId";
        return Err(Refusal::new(explain::USAGE, detail));
    }
    let digits = text.split_once('_').map_or("", |(_, digits)| digits);
    let first = format!("{}_{digits:0<32}", DeliveryId::PREFIX).parse();
    let first = first.map_err(|_| Refusal::new(explain::USAGE, "this is no delivery's id"))?;
    let found = rooms.mailboxes.deliveries_from(first).await;
    let found = found.map_err(|error| refused(rooms, &error))?;
    let fitting = found.into_iter().filter(|id| id.to_string().starts_with(text));
    the_one(fitting, (explain::NO_DELIVERY, "delivery"))
}

/// Reads a `TransId`: the id in the spelling of a UUID.
fn trans_id(text: &str) -> Option<DeliveryId> {
    let id: DeliveryId =
        format!("{}_{}", DeliveryId::PREFIX, text.replace('-', "")).parse().ok()?;
    (id.to_uuid() == text).then_some(id)
}

/// Reads where a list goes on.
fn place(text: &str) -> Result<(Timestamp, DeliveryId), Refusal> {
    let read = || {
        let (time, id) = text.split_once('.')?;
        Some((Timestamp::from_millis(time.parse().ok()?).ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| Refusal::new(explain::USAGE, "after is not of this list"))
}

fn row(facts: &DeliveryFacts) -> DeliveryRow {
    let result = match facts.outcome {
        DeliveryOutcome::Accepted => DeliveryResult::Accepted,
        DeliveryOutcome::NotDeliverable => DeliveryResult::NotDeliverable,
        DeliveryOutcome::Refused | DeliveryOutcome::RefusedCounted => DeliveryResult::Refused,
    };
    let cause = facts.refusal.map(|(code, _)| code);
    let fault = facts.refusal.map(|(_, fault)| fault).filter(|&fault| fault > 0);
    DeliveryRow {
        received: facts.received,
        delivery: Some(facts.delivery),
        request: facts.request,
        sender: facts.sender,
        dispatcher: facts.dispatcher,
        result,
        class: facts.class.map(ProtectionClass::number),
        recipients: facts.recipients,
        bytes: facts.payload_len,
        fault,
        reason: cause.map(|code| {
            explain::of(code).map_or_else(|| code.to_string(), |entry| entry.title.to_owned())
        }),
        count: facts.calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trans_id_is_read_in_its_own_spelling_alone() {
        let id = DeliveryId::from_bytes([0xab; 16]);
        assert_eq!(trans_id(&id.to_uuid()), Some(id));
        assert_eq!(trans_id(&"ab".repeat(16)), None);
    }

    #[test]
    fn where_a_list_goes_on_is_read_back() {
        let id = DeliveryId::from_bytes([7; 16]);
        let time = Timestamp::from_millis(1_800_000_000_123).unwrap();
        assert_eq!(place(&format!("{}.{id}", time.as_millis())).unwrap(), (time, id));
        assert!(place("x").is_err());
    }
}
