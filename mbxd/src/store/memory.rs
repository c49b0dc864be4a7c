//! The engine in memory: the model that the others are judged against, and the store of unit
//! tests. Nothing survives the process.

use super::back_end::len_u64;
use super::change::{Change, Changes, Table};
use super::engine::{Committed, Engine, KeyRange, NewContent, Page, Store};
use super::error::{CommitError, ReadError};
use super::report::{Checked, Health, Space, Stats};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use mbx_common::audit::Entry;
use mbx_common::audit::tree::{Tree, leaf_hash};
use mbx_common::id::ContentId;
use std::collections::BTreeMap;
use std::future::ready;
use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An empty store in memory.
pub fn engine() -> Store {
    Store::new(Arc::new(Memory::new()))
}

/// The engine itself, for tests that look behind the seam or make it refuse.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    rows_read: AtomicUsize,
    /// What happens once, after the next scan of a table was answered.
    meanwhile: Mutex<Option<(Table, BoxFuture<'static, ()>)>>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<(Table, Bytes), Bytes>,
    contents: BTreeMap<ContentId, Bytes>,
    entries: Vec<Entry>,
    refusal: Option<CommitError>,
    refusal_once: Option<CommitError>,
}

impl Memory {
    /// An empty engine.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every commit fails with this error; `None` ends it.
    pub fn refuse(&self, refusal: Option<CommitError>) {
        self.state().refusal = refusal;
    }

    /// The next commit fails with this error, and no other.
    pub fn refuse_once(&self, refusal: CommitError) {
        self.state().refusal_once = Some(refusal);
    }

    /// Does this work once, between the next scan of the table and what its caller does with the
    /// page.
    pub fn after_scan(&self, table: Table, work: BoxFuture<'static, ()>) {
        *self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner) = Some((table, work));
    }

    fn take_work(&self, after: Table) -> Option<BoxFuture<'static, ()>> {
        let mut meanwhile = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
        meanwhile.take_if(|(table, _)| *table == after).map(|(_, work)| work)
    }

    /// Every audit entry, in the order of the log.
    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    /// How many rows were given out so far, by `get` and `scan` alike.
    pub fn rows_read(&self) -> usize {
        self.rows_read.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit(
        &mut self,
        changes: &Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> Result<Committed, CommitError> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if let Some(refusal) = self.refusal_once.take() {
            return Err(refusal);
        }
        for step in changes.steps() {
            if let Change::Expect(table, key, expectation) = step {
                let found = self.rows.get(&(*table, key.clone()));
                if !expectation.holds(found) {
                    let found = found.cloned();
                    return Err(CommitError::Expectation {
                        table: *table,
                        key: key.clone(),
                        found,
                    });
                }
            }
        }
        if contents.iter().any(|content| self.contents.contains_key(&content.id)) {
            return Err(CommitError::ContentExists);
        }
        for step in changes.steps() {
            match step {
                Change::Expect(..) => {}
                Change::Put(table, key, value) => {
                    self.rows.insert((*table, key.clone()), value.clone());
                }
                Change::Delete(table, key) => {
                    self.rows.remove(&(*table, key.clone()));
                }
            }
        }
        for content in contents {
            let mut whole = BytesMut::new();
            content.pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            self.contents.insert(content.id, whole.freeze());
        }
        self.entries.push(entry);
        let lsn = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        Ok(Committed { lsn, leaf: lsn.saturating_sub(1) })
    }

    fn scan(&self, table: Table, range: KeyRange, limit: usize) -> Page {
        let from = Bound::Included((table, range.from));
        let Some(until) = range.until else {
            // Past the end of the table there is no key to name: stop where the table does.
            let rows = self.rows.range((from, Bound::Unbounded));
            return page(rows.take_while(|((of, _), _)| *of == table), range.backwards, limit);
        };
        let until = (table, until);
        if matches!(&from, Bound::Included(from) if *from >= until) {
            return Page::default();
        }
        page(self.rows.range((from, Bound::Excluded(until))), range.backwards, limit)
    }
}

fn page<'a>(
    rows: impl Iterator<Item = (&'a (Table, Bytes), &'a Bytes)>,
    backwards: bool,
    limit: usize,
) -> Page {
    let mut rows: Vec<_> = rows.map(|((_, key), value)| (key.clone(), value.clone())).collect();
    if backwards {
        rows.reverse();
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    Page { rows, more }
}

impl Engine for Memory {
    fn commit(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(ready(self.state().commit(&changes, contents, entry)))
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>> {
        let found = self.state().rows.get(&(table, Bytes::copy_from_slice(key))).cloned();
        self.rows_read.fetch_add(usize::from(found.is_some()), Ordering::Relaxed);
        Box::pin(ready(Ok(found)))
    }

    fn scan(
        &self,
        table: Table,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, ReadError>> {
        let page = self.state().scan(table, range, limit);
        self.rows_read.fetch_add(page.rows.len(), Ordering::Relaxed);
        let work = self.take_work(table);
        Box::pin(async move {
            if let Some(work) = work {
                work.await;
            }
            Ok(page)
        })
    }

    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        let part = self.state().contents.get(&id).map(|whole| {
            let end = usize::try_from(range.end).map_or(whole.len(), |end| end.min(whole.len()));
            let start = usize::try_from(range.start).map_or(end, |start| start.min(end));
            whole.slice(start..end)
        });
        Box::pin(ready(part.ok_or(ReadError::NoContent)))
    }

    fn tree(&self) -> BoxFuture<'_, Result<(u64, [u8; 32]), ReadError>> {
        let mut tree = Tree::new();
        self.state().entries.iter().for_each(|entry| tree.push(leaf_hash(&entry.encode())));
        Box::pin(ready(Ok((tree.size(), tree.root()))))
    }

    fn leaves(&self, first: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Bytes>, ReadError>> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let state = self.state();
        let entries = state.entries.iter().skip(first).take(limit);
        Box::pin(ready(Ok(entries.map(|entry| Bytes::from(entry.encode())).collect())))
    }

    fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(ContentId, u64)>, ReadError>> {
        let state = self.state();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = state.contents.range((from, Bound::Unbounded)).take(limit);
        Box::pin(ready(Ok(found.map(|(id, whole)| (*id, len_u64(whole.len()))).collect())))
    }

    fn check(&self, _segment: Option<u32>) -> BoxFuture<'_, Result<Checked, ReadError>> {
        let units = len_u64(self.state().entries.len());
        Box::pin(ready(Ok(Checked { units, ..Checked::default() })))
    }

    fn stats(&self) -> Stats {
        let units = len_u64(self.state().entries.len());
        Stats { units, groups: units, ..Stats::default() }
    }

    fn space(&self) -> Space {
        Space { free_bytes: u64::MAX, ..Space::default() }
    }

    fn health(&self) -> Health {
        Health::Serving
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}
