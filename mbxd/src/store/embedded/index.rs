//! The index: rows, places of contents and audit entries, and how far of the log it has taken in.
//! All of it can be made again from the log, and long values stand there only. Bytes:
//! `docs/formats/log.md`, "Index".

use super::error::{IndexError, OpenError};
use super::index_file::IndexFile;
use super::place::{Place, Value};
use super::progress::Progress;
use super::record::Record;
use super::walk::Position;
use crate::store::back_end::BackFile;
use crate::store::change::Table;
use crate::store::engine::KeyRange;
use bytes::Bytes;
use mbx_common::id::ContentId;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use std::ops::Bound;
use std::sync::Arc;

/// The index's file.
pub(super) const NAME: &str = "index.redb";

/// Rows of all tables: table number ‖ key → [`Value`].
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Content id → [`Place`].
const CONTENTS: TableDefinition<'_, &[u8; 16], &[u8; 20]> = TableDefinition::new("contents");
/// Leaf index → short [`Place`] of the encoded audit entry.
const LEAVES: TableDefinition<'_, u64, &[u8; 16]> = TableDefinition::new("leaves");
/// One row: [`Progress`].
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const PROGRESS: &str = "progress";

/// Rows as the index knows them, and whether the range holds more.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<(Bytes, Value)>,
    pub(super) more: bool,
}

impl Found {
    /// Whether the index holds all the values itself.
    pub(super) fn is_here(&self) -> bool {
        self.rows.iter().all(|(_, value)| matches!(value, Value::Here(_)))
    }
}

/// The open index.
pub(super) struct Index(Database);

impl Index {
    /// Opens the index in this file; an empty file becomes an empty index.
    pub(super) fn open(file: Arc<dyn BackFile>, cache_len: usize) -> Result<Self, IndexError> {
        let db =
            Database::builder().set_cache_size(cache_len).create_with_backend(IndexFile(file))?;
        Ok(Self(db))
    }

    /// How far it is.
    ///
    /// # Errors
    /// `IndexDamaged` where it never began or its note makes no sense, `IndexFormat` where it is
    /// one of another format.
    pub(super) fn progress(&self) -> Result<Progress, OpenError> {
        let read = || -> Result<Option<Vec<u8>>, IndexError> {
            let txn = self.0.begin_read()?;
            let meta = match txn.open_table(META) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                table => table?,
            };
            Ok(meta.get(PROGRESS)?.map(|bytes| bytes.value().to_vec()))
        };
        Progress::decode(&read()?.ok_or(OpenError::IndexDamaged(None))?)
    }

    /// Makes the empty index of a store, durable.
    pub(super) fn begin(&self, progress: &Progress) -> Result<(), IndexError> {
        let txn = self.0.begin_write()?;
        txn.open_table(ROWS)?;
        txn.open_table(CONTENTS)?;
        txn.open_table(LEAVES)?;
        txn.open_table(META)?.insert(PROGRESS, progress.encode().as_slice())?;
        txn.commit()?;
        self.checkpoint()
    }

    /// Takes in records, each with the place of its first byte; not durable by itself.
    pub(super) fn apply<'a>(
        &self,
        records: impl Iterator<Item = (Position, Record<'a>)>,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let mut txn = self.0.begin_write()?;
        txn.set_durability(Durability::None).map_err(redb::Error::from)?;
        {
            let mut rows = txn.open_table(ROWS)?;
            let mut contents = txn.open_table(CONTENTS)?;
            let mut leaves = txn.open_table(LEAVES)?;
            let (mut key, mut value) = (Vec::new(), Vec::new());
            for (at, record) in records {
                let place = |part| Place::in_record(at, &part);
                for row in record.rows().unwrap_or_default() {
                    row_key(&mut key, row.table, row.key);
                    if let Some(written) = row.value {
                        Value::encode(&mut value, written.bytes, place(written.part()));
                        rows.insert(key.as_slice(), value.as_slice())?;
                    } else {
                        rows.remove(key.as_slice())?;
                    }
                }
                for (id, part) in record.contents().unwrap_or_default() {
                    contents.insert(id.as_bytes(), &place(part).encode())?;
                }
                leaves.insert(record.leaf, &place(record.entry_place()).encode_short())?;
            }
            txn.open_table(META)?.insert(PROGRESS, progress.encode().as_slice())?;
        }
        Ok(txn.commit()?)
    }

    /// Makes all that was taken in durable, quick to open after a crash.
    pub(super) fn checkpoint(&self) -> Result<(), IndexError> {
        let mut txn = self.0.begin_write()?;
        txn.set_quick_repair(true);
        Ok(txn.commit()?)
    }

    /// As [`Index::checkpoint`], with another note of how far it is.
    pub(super) fn checkpoint_at(&self, progress: &Progress) -> Result<(), IndexError> {
        let mut txn = self.0.begin_write()?;
        txn.set_quick_repair(true);
        txn.open_table(META)?.insert(PROGRESS, progress.encode().as_slice())?;
        Ok(txn.commit()?)
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, IndexError> {
        let mut full = Vec::new();
        row_key(&mut full, table, key);
        let rows = self.0.begin_read()?.open_table(ROWS)?;
        rows.get(full.as_slice())?.map(|value| known(value.value())).transpose()
    }

    pub(super) fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Found, IndexError> {
        let (mut from, mut until) = (Vec::new(), Vec::new());
        row_key(&mut from, table, &range.from);
        match &range.until {
            Some(end) => row_key(&mut until, table, end),
            None => until.push(table.number().saturating_add(1)),
        }
        let mut page = Found::default();
        if from >= until {
            return Ok(page);
        }
        let rows = self.0.begin_read()?.open_table(ROWS)?;
        let mut found = rows.range(from.as_slice()..until.as_slice())?;
        while let Some(row) = if range.backwards { found.next_back() } else { found.next() } {
            if page.rows.len() == limit {
                page.more = true;
                break;
            }
            let (key, value) = row?;
            let key = Bytes::copy_from_slice(key.value().get(1..).unwrap_or_default());
            page.rows.push((key, known(value.value())?));
        }
        Ok(page)
    }

    /// Ids and lengths of contents, ascending from behind `after`.
    pub(super) fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> Result<Vec<(ContentId, u64)>, IndexError> {
        let contents = self.0.begin_read()?.open_table(CONTENTS)?;
        let after = after.as_ref().map(ContentId::as_bytes);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = Vec::new();
        for content in contents.range::<&[u8; 16]>((from, Bound::Unbounded))?.take(limit) {
            let (id, place) = content?;
            let len = Place::decode(place.value()).map_or(0, |place| place.len);
            found.push((ContentId::from_bytes(*id.value()), len));
        }
        Ok(found)
    }

    pub(super) fn content(&self, id: ContentId) -> Result<Option<Place>, IndexError> {
        let contents = self.0.begin_read()?.open_table(CONTENTS)?;
        Ok(contents.get(id.as_bytes())?.and_then(|place| Place::decode(place.value())))
    }

    /// Places of at most `limit` audit entries from leaf `first` on, without a gap.
    pub(super) fn leaves(&self, first: u64, limit: usize) -> Result<Vec<Place>, IndexError> {
        let leaves = self.0.begin_read()?.open_table(LEAVES)?;
        let mut places = Vec::new();
        for leaf in leaves.range(first..)?.take(limit) {
            let (_, place) = leaf?;
            places.extend(Place::decode_short(place.value()));
        }
        Ok(places)
    }
}

fn known(value: &[u8]) -> Result<Value, IndexError> {
    Value::decode(value).ok_or_else(|| IndexError::senseless("a row's value"))
}

fn row_key(to: &mut Vec<u8>, table: Table, key: &[u8]) {
    to.clear();
    to.push(table.number());
    to.extend_from_slice(key);
}
