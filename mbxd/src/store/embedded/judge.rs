//! Judging expectations in the order of the log: against the index and the earlier units of the
//! same group.

use super::error::IndexError;
use super::files::Files;
use super::index::Index;
use super::queue::Pending;
use super::writer::Accepted;
use crate::store::change::{Change, Table};
use crate::store::error::CommitError;
use bytes::Bytes;
use mbx_common::id::ContentId;
use std::collections::{HashMap, HashSet};

/// A group that was judged.
pub(super) struct Judged {
    /// Units to be written.
    pub(super) accepted: Vec<Accepted>,
    /// Units whose expectations failed. What they found may stand in this very group, so they are
    /// answered when it is durable.
    pub(super) rejected: Vec<(Pending, CommitError)>,
}

/// Judges a group whose first unit would get this LSN and leaf. Where the index fails, all units
/// are given back.
pub(super) fn judge(
    (index, files): (&Index, &Files),
    next_lsn: u64,
    next_leaf: u64,
    units: Vec<Pending>,
) -> Result<Judged, (Vec<Pending>, IndexError)> {
    let mut judge = Judge {
        index,
        files,
        next_lsn,
        next_leaf,
        written: HashMap::new(),
        contents: HashSet::new(),
        judged: Judged { accepted: Vec::new(), rejected: Vec::new() },
    };
    let mut units = units.into_iter();
    while let Some(unit) = units.next() {
        match judge.objection(&unit) {
            Ok(None) => judge.accept(unit),
            Ok(Some(objection)) => judge.judged.rejected.push((unit, objection)),
            Err(error) => {
                let Judged { accepted, rejected } = judge.judged;
                let accepted = accepted.into_iter().map(|accepted| accepted.unit);
                let rejected = rejected.into_iter().map(|(unit, _)| unit);
                return Err((accepted.chain(rejected).chain([unit]).chain(units).collect(), error));
            }
        }
    }
    Ok(judge.judged)
}

/// Why a row could not be judged.
enum RowError {
    /// The index failed.
    Index(IndexError),
    /// The row's value could not be read from the log: no matter of the other units.
    Log,
}

struct Judge<'a> {
    index: &'a Index,
    files: &'a Files,
    next_lsn: u64,
    next_leaf: u64,
    /// Rows that accepted units of the group write; `None` = removed.
    written: HashMap<(Table, Bytes), Option<Bytes>>,
    contents: HashSet<ContentId>,
    judged: Judged,
}

impl Judge<'_> {
    fn objection(&self, unit: &Pending) -> Result<Option<CommitError>, IndexError> {
        for step in unit.changes.steps() {
            if let Change::Expect(table, key, expectation) = step {
                let found = match self.row(*table, key) {
                    Err(RowError::Index(error)) => return Err(error),
                    Err(RowError::Log) => return Ok(Some(CommitError::Unavailable)),
                    Ok(found) => found,
                };
                if !expectation.holds(found.as_ref()) {
                    let (table, key) = (*table, key.clone());
                    return Ok(Some(CommitError::Expectation { table, key, found }));
                }
            }
        }
        for id in unit.encoded.content_ids() {
            if self.contents.contains(&id) || self.index.content(id)?.is_some() {
                return Ok(Some(CommitError::ContentExists));
            }
        }
        Ok(None)
    }

    fn row(&self, table: Table, key: &Bytes) -> Result<Option<Bytes>, RowError> {
        if let Some(row) = self.written.get(&(table, key.clone())) {
            return Ok(row.clone());
        }
        let found = self.index.get(table, key).map_err(RowError::Index)?;
        found.map(|value| self.files.value(value)).transpose().map_err(|_| RowError::Log)
    }

    fn accept(&mut self, unit: Pending) {
        for step in unit.changes.steps() {
            match step {
                Change::Expect(..) => {}
                Change::Put(table, key, value) => {
                    self.written.insert((*table, key.clone()), Some(value.clone()));
                }
                Change::Delete(table, key) => {
                    self.written.insert((*table, key.clone()), None);
                }
            }
        }
        self.contents.extend(unit.encoded.content_ids());
        self.judged.accepted.push(Accepted { unit, lsn: self.next_lsn, leaf: self.next_leaf });
        self.next_lsn = self.next_lsn.saturating_add(1);
        self.next_leaf = self.next_leaf.saturating_add(1);
    }
}
