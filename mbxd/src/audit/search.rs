//! Finding entries, and following the log.

use super::error::AuditError;
use super::log::AuditLog;
use mbx_common::audit::{Actor, Entry, Event, Fact, Origin, Subject};
use mbx_common::time::Timestamp;

/// Leaves that one search looks through at most; the cursor goes on from there.
const SCAN_MAX: u64 = 200_000;
/// How far times may be out of order, in milliseconds: entries are timed before they are put in
/// order, and clocks are set.
pub(super) const DISORDER_MS: u64 = 60 * 60 * 1000;

/// What to find. Every part that is given must fit.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query {
    /// Who.
    pub actor: Option<Actor>,
    /// About what.
    pub subject: Option<Subject>,
    /// What.
    pub event: Option<Event>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only entries before this position: the cursor of an earlier answer.
    pub before: Option<u64>,
}

/// An entry and its position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Position in the log, from 0.
    pub position: u64,
    /// The entry.
    pub entry: Entry,
}

/// What a search found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// The newest first.
    pub rows: Vec<Row>,
    /// Where to go on; `None` where the log was searched to its beginning.
    pub next: Option<u64>,
}

impl Query {
    fn fits(&self, entry: &Entry) -> bool {
        self.actor.as_ref().is_none_or(|actor| *actor == entry.actor)
            && self.subject.is_none_or(|subject| entry.subjects.contains(&subject))
            && self.event.is_none_or(|event| event == entry.event)
            && self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
    }

    /// Whether an entry is so old that those before it hardly fit.
    fn is_past(&self, entry: &Entry) -> bool {
        self.since.is_some_and(|since| entry.time.plus_millis(DISORDER_MS) < since)
    }
}

impl AuditLog {
    /// The newest entries that fit, at most `limit`. The search is an entry itself, written before
    /// anything is shown.
    ///
    /// # Errors
    /// [`AuditError`]; nothing is shown then.
    pub async fn search(
        &self,
        query: &Query,
        limit: usize,
        origin: &Origin,
    ) -> Result<Found, AuditError> {
        let (size, _) = self.0.store.tree().await?;
        let found = self.scan(query, limit, size).await?;
        let mut facts = vec![count(found.rows.len())];
        facts.extend(query.event.map(|event| Fact::Code(event.code())));
        facts.extend(query.since.map(Fact::Moment));
        facts.extend(query.until.map(Fact::Moment));
        let mut entry = origin.entry(self.0.clock.now(), Event::AuditSearched);
        entry.facts = facts;
        entry.subjects.extend(query.subject);
        self.0.store.commit(crate::store::Changes::new(), entry).await?;
        Ok(found)
    }

    /// The newest entries, at most `limit`, and a handle that goes on with those to come. Recorded
    /// as a search, once.
    ///
    /// # Errors
    /// [`AuditError`]; nothing is shown then.
    pub async fn tail(&self, limit: usize, origin: &Origin) -> Result<Tail, AuditError> {
        let (size, _) = self.0.store.tree().await?;
        let mut rows = self.scan(&Query::default(), limit, size).await?.rows;
        rows.reverse();
        self.record(origin, Event::AuditSearched, vec![count(rows.len())]).await?;
        Ok(Tail { log: self.clone(), first: rows, next: size })
    }

    async fn scan(&self, query: &Query, limit: usize, size: u64) -> Result<Found, AuditError> {
        let mut end = query.before.unwrap_or(size).min(size);
        let stop = end.saturating_sub(SCAN_MAX);
        let mut found = Found::default();
        while end > stop {
            let batch = u64::try_from(Self::BATCH).unwrap_or(u64::MAX);
            let first = end.saturating_sub(batch).max(stop);
            let rows = self.decoded(first, end).await?;
            // A single entry may be of a clock that was wrong for a while.
            if rows.iter().all(|row| query.is_past(&row.entry)) {
                return Ok(found);
            }
            for row in rows.into_iter().rev() {
                if found.rows.len() == limit {
                    found.next = Some(row.position + 1);
                    return Ok(found);
                }
                if query.fits(&row.entry) {
                    found.rows.push(row);
                }
            }
            end = first;
        }
        found.next = Some(end).filter(|&end| end > 0);
        Ok(found)
    }

    /// The entries `first..until`, decoded.
    async fn decoded(&self, first: u64, until: u64) -> Result<Vec<Row>, AuditError> {
        let mut rows = Vec::new();
        let mut position = first;
        while position < until {
            for leaf in self.leaves(position, until).await? {
                let entry = Entry::decode(&leaf).map_err(|_| AuditError::Entry { position })?;
                rows.push(Row { position, entry });
                position += 1;
            }
        }
        Ok(rows)
    }
}

/// The newest entries and those to come.
#[derive(Debug)]
pub struct Tail {
    log: AuditLog,
    first: Vec<Row>,
    next: u64,
}

impl Tail {
    /// Entries that have come since the last call, the oldest first; at the first call the newest
    /// ones that there were. Empty where nothing has come; ask again after a moment.
    ///
    /// # Errors
    /// [`AuditError`] where the log cannot be read.
    pub async fn more(&mut self) -> Result<Vec<Row>, AuditError> {
        if !self.first.is_empty() {
            return Ok(std::mem::take(&mut self.first));
        }
        let (size, _) = self.log.0.store.tree().await?;
        let batch = u64::try_from(AuditLog::BATCH).unwrap_or(u64::MAX);
        let until = size.min(self.next.saturating_add(batch));
        let rows = self.log.decoded(self.next, until).await?;
        self.next = self.next.max(until);
        Ok(rows)
    }
}

pub(super) fn count(len: usize) -> Fact {
    Fact::Count(u64::try_from(len).unwrap_or(u64::MAX))
}
