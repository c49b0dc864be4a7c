//! `/v1/audit`: searching, following, exporting and verifying the audit log.

use super::answer::{Answer, Body, json, lines};
use super::ask::Ask;
use super::job::names;
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::audit::{AuditError, Export, Form, Query, Row, Tail};
use crate::operators::Staff;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use mbx_common::audit::checkpoint::SignedNote;
use mbx_common::audit::{Actor, Event};
use mbx_common::control::Page;
use mbx_common::control::audit::{
    AuditQuery, AuditRow, ExportFormat, ExportRequest, TailQuery, VerifyReport, VerifyRequest,
};
use mbx_common::control::route::Route;
use mbx_common::explain;
use mbx_common::id::OperatorId;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Period;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Media type of an export.
const EXPORT: &str = "application/octet-stream";

/// How often the log is asked for new entries while somebody follows.
const TAIL_EVERY: Duration = Duration::from_millis(500);

/// Answers a request about the log.
pub(super) async fn answer(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    if ask.route == Route::AuditSearch {
        search(rooms, ask, staff).await
    } else if ask.route == Route::AuditTail {
        tail(rooms, ask, staff).await
    } else if ask.route == Route::AuditExport {
        export(rooms, ask, staff).await
    } else {
        verify(rooms, ask, staff).await
    }
}

async fn search(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let query: AuditQuery = ask.query()?;
    let names = names(rooms).await?;
    let limit = query.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
    let wanted = Query {
        actor: query.actor.as_deref().map(|text| actor(text, &names)).transpose()?,
        subject: query.subject.as_deref().map(str::parse).transpose().map_err(|_| {
            Refusal::new(
                explain::USAGE,
                "a subject is a whole id with its prefix, or an organisation number",
            )
        })?,
        event: query.event.as_deref().map(event).transpose()?,
        since: query.since,
        until: query.until,
        before: query
            .after
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| Refusal::new(explain::USAGE, "after is a position in the log"))?,
    };
    let found = rooms.audit.search(&wanted, limit, &ask.origin(staff)).await?;
    let rows = found.rows.iter().map(|row| shown(row, &names)).collect();
    json(&Page { rows, next: found.next.map(|position| position.to_string()), total: None })
}

/// An actor by login name, or as the log spells it.
fn actor(text: &str, names: &HashMap<OperatorId, String>) -> Result<Actor, Refusal> {
    let person = names.iter().find(|(_, name)| *name == text).map(|(id, _)| Actor::Operator(*id));
    person.or_else(|| text.parse().ok()).ok_or_else(|| {
        let detail =
            "an actor is a login name, an id with its prefix, an organisation number or daemon";
        Refusal::new(explain::USAGE, detail)
    })
}

/// Reads `MBX-A201`, `A201` or `201`.
fn event(text: &str) -> Result<Event, Refusal> {
    let digits = text.strip_prefix("MBX-").unwrap_or(text);
    let digits = digits.strip_prefix('A').unwrap_or(digits);
    digits
        .parse()
        .ok()
        .and_then(Event::from_code)
        .ok_or_else(|| Refusal::new(explain::USAGE, format!("there is no event {text}")))
}

async fn tail(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let query: TailQuery = ask.query()?;
    let limit = query.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
    let mut tail = rooms.audit.tail(limit, &ask.origin(staff)).await?;
    let names = names(rooms).await?;
    let first = tail.more().await?.into();
    let following = Following { tail, names, waiting: first, follow: query.follow };
    Ok(lines(stream::unfold(following, Following::step)))
}

/// A log that is followed.
struct Following {
    tail: Tail,
    names: HashMap<OperatorId, String>,
    waiting: VecDeque<Row>,
    follow: bool,
}

impl Following {
    async fn step(mut self) -> Option<(AuditRow, Self)> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                return Some((shown(&row, &self.names), self));
            }
            if !self.follow {
                return None;
            }
            tokio::time::sleep(TAIL_EVERY).await;
            self.waiting = self.tail.more().await.ok()?.into();
        }
    }
}

async fn export(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: ExportRequest = ask.body()?;
    let form = match request.format {
        ExportFormat::Json => Form::Whole,
        ExportFormat::Csv => Form::Table,
        ExportFormat::Cef => {
            return Err(Refusal::new(explain::USAGE, "exports are json or csv in this version"));
        }
    };
    let period = Period { from: request.since, until: request.until };
    let export = rooms.audit.export(period, form, &ask.origin(staff)).await?;
    Ok(Answer::Stream(EXPORT, body(export)))
}

/// The pieces of an export; one that cannot be read breaks the connection, so that nobody takes a
/// part for the whole.
fn body(export: Export) -> Body {
    let pieces = stream::unfold(Some(export), |export| async {
        let mut export = export?;
        match export.next().await {
            Ok(Some(bytes)) => Some((Ok(Frame::data(bytes)), Some(export))),
            Ok(None) => None,
            Err(error) => Some((Err(std::io::Error::other(error)), None)),
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

async fn verify(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: VerifyRequest = ask.body()?;
    let anchors: Option<SignedNote> = request
        .checkpoint
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Refusal::new(explain::USAGE, "the checkpoint is no signed note"))?;
    let anchors: Vec<SignedNote> = anchors.into_iter().collect();
    let report = rooms.audit.verify(&anchors, &ask.origin(staff)).await?;
    json(&VerifyReport::from(&report))
}

/// An entry in words; staff by their login names.
fn shown(row: &Row, names: &HashMap<OperatorId, String>) -> AuditRow {
    let entry = &row.entry;
    let name = if let Actor::Operator(id) = &entry.actor { names.get(id).cloned() } else { None };
    let actor = name.unwrap_or_else(|| entry.actor.to_string());
    AuditRow {
        position: row.position,
        time: entry.time,
        event: entry.event.to_string(),
        title: entry.event.title().to_owned(),
        actor,
        role: entry.role.map(|role| role.name().to_owned()),
        result: entry.outcome.name().to_owned(),
        subjects: entry.subjects.iter().map(ToString::to_string).collect(),
        facts: entry.facts.iter().map(ToString::to_string).collect(),
        peer: entry.peer.as_ref().map(ToString::to_string),
        session: entry.session.map(|id| id.to_string()),
        request: entry.request.map(|id| id.to_string()),
        reason: entry.reason.clone(),
        ticket: entry.ticket.clone(),
    }
}

impl From<AuditError> for Refusal {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Violated | AuditError::Entry { .. } => {
                Self::new(explain::AUDIT_BROKEN, error.to_string())
            }
            AuditError::NoCheckpoint => Self::new(explain::HSM_UNAVAILABLE, error.to_string()),
            AuditError::Commit(_) => Self::new(explain::AUDIT_UNWRITABLE, error.to_string()),
            AuditError::Read(_)
            | AuditError::Row(_)
            | AuditError::Period
            | AuditError::TooLarge => Self::of_kind(error.kind(), &error),
        }
    }
}
