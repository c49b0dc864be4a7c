//! The index: rows, places of contents and audit entries, and how far of the log it has taken in.
//! All of it can be made again from the log, and long values stand there only. Bytes:
//! `docs/formats/log.md`, "Index".

use super::above::Above;
use super::error::{IndexError, OpenError};
use super::index_file::{Damage, IndexFile};
use super::layers::{Known, Layer, LayerRow};
use super::options::Options;
use super::place::{Far, Place, Value};
use super::progress::Progress;
use super::record::Record;
use super::walk::Position;
use crate::store::back_end::BackFile;
use crate::store::change::Table;
use crate::store::engine::KeyRange;
use bytes::Bytes;
use mbx_common::id::ContentId;
use redb::{AccessGuard, Database, Durability, ReadableDatabase, TableDefinition};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// The index's file.
pub(super) const NAME: &str = "index.redb";

/// Rows of all tables: table number ‖ key → [`Value`].
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Content id → [`Place`].
const CONTENTS: TableDefinition<'_, &[u8; 16], &[u8; 20]> = TableDefinition::new("contents");
/// Leaf index → [`Far`] of the encoded audit entry.
const LEAVES: TableDefinition<'_, u64, &[u8; 20]> = TableDefinition::new("leaves");
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

/// The open index: its file, and above it what the file has not taken in yet.
pub(super) struct Index {
    /// Dropped first: its thread writes to the file.
    above: Above,
    db: Arc<Database>,
    damage: Damage,
}

impl Index {
    /// Opens the index in this file; an empty file becomes an empty index.
    ///
    /// # Errors
    /// `IndexDamaged`, and `IndexFormat` where it is one of an older format.
    pub(super) fn open(file: Arc<dyn BackFile>, options: &Options) -> Result<Self, OpenError> {
        let file = IndexFile::open(file)?;
        let damage = file.damage();
        let db = Database::builder().set_cache_size(options.index_cache).create_with_backend(file);
        let db = Arc::new(db.map_err(IndexError::from)?);
        let below = Arc::clone(&db);
        let above = Above::new(options.layer_len, move |layer| write(&below, layer))?;
        Ok(Self { above, db, damage })
    }

    /// Closes the file; dropped, it is closed too, but nobody learns whether that worked.
    pub(super) fn close(self) -> Result<(), IndexError> {
        drop(self.above);
        Arc::into_inner(self.db).map_or(Ok(()), |db| Ok(db.close()?))
    }

    /// Whether a block of its file was found altered: it answers nothing more then.
    pub(super) fn is_damaged(&self) -> bool {
        self.damage.was_met()
    }

    /// How far it is.
    ///
    /// # Errors
    /// `IndexDamaged` where it never began or its note makes no sense, `IndexFormat` where it is
    /// one of another format.
    pub(super) fn progress(&self) -> Result<Progress, OpenError> {
        let read = || -> Result<Option<Vec<u8>>, IndexError> {
            let txn = self.db.begin_read()?;
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
        let txn = self.db.begin_write()?;
        txn.open_table(ROWS)?;
        txn.open_table(CONTENTS)?;
        txn.open_table(LEAVES)?;
        txn.open_table(META)?.insert(PROGRESS, progress.encode().as_slice())?;
        txn.commit()?;
        self.checkpoint()
    }

    /// Takes in records, each with the place of its first byte: readable from now on, and written
    /// to the file by and by. Waits where more comes than is written.
    ///
    /// # Errors
    /// Where what came before could not be written.
    pub(super) fn take_in<'a>(
        &self,
        records: impl Iterator<Item = (Position, Record<'a>)>,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        self.above.take_in(records, progress)
    }

    /// Takes in records at once; not durable by itself. For what is read from the log.
    pub(super) fn apply<'a>(
        &self,
        records: impl Iterator<Item = (Position, Record<'a>)>,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let mut layer = Layer::default();
        layer.add(records, progress);
        write(&self.db, &layer)
    }

    /// Makes all that was taken in durable, quick to open after a crash.
    pub(super) fn checkpoint(&self) -> Result<(), IndexError> {
        let mut txn = self.db.begin_write()?;
        txn.set_quick_repair(true);
        Ok(txn.commit()?)
    }

    /// As [`Index::checkpoint`], with another note of how far it is.
    pub(super) fn checkpoint_at(&self, progress: &Progress) -> Result<(), IndexError> {
        self.above.settle()?;
        let mut txn = self.db.begin_write()?;
        txn.set_quick_repair(true);
        txn.open_table(META)?.insert(PROGRESS, progress.encode().as_slice())?;
        Ok(txn.commit()?)
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Value>, IndexError> {
        let full = row_key(table, key);
        match self.above.layers().row(&full) {
            Some(Known::Written(value)) => return known(value).map(Some),
            Some(Known::Removed) => return Ok(None),
            None => {}
        }
        let rows = self.db.begin_read()?.open_table(ROWS)?;
        rows.get(full.as_slice())?.map(|value| known(value.value())).transpose()
    }

    pub(super) fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Found, IndexError> {
        let from = row_key(table, &range.from);
        let until = match &range.until {
            Some(end) => row_key(table, end),
            None => vec![table.number().saturating_add(1)],
        };
        if from >= until {
            return Ok(Found::default());
        }
        // One moment of both: under the lock no layer goes into the file.
        let (above, reading) = {
            let layers = self.above.layers();
            let rows = layers.rows_in((&from, &until), range.backwards, limit.saturating_add(1));
            (rows, self.db.begin_read()?)
        };
        let rows = reading.open_table(ROWS)?;
        let mut below = rows.range(from.as_slice()..until.as_slice())?;
        let below =
            std::iter::from_fn(|| if range.backwards { below.next_back() } else { below.next() });
        page(above, below, range.backwards, limit)
    }

    /// Ids and lengths of contents, ascending from behind `after`.
    pub(super) fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> Result<Vec<(ContentId, u64)>, IndexError> {
        let (above, reading) = {
            let layers = self.above.layers();
            (layers.contents(after, limit), self.db.begin_read()?)
        };
        let contents = reading.open_table(CONTENTS)?;
        let after = after.as_ref().map(ContentId::as_bytes);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = BTreeMap::from_iter(above);
        for content in contents.range::<&[u8; 16]>((from, Bound::Unbounded))?.take(limit) {
            let (id, place) = content?;
            found.insert(*id.value(), *place.value());
        }
        let len = |place: &[u8; 20]| Place::decode(place).map_or(0, |place| place.len);
        let found = found.iter().take(limit);
        Ok(found.map(|(id, place)| (ContentId::from_bytes(*id), len(place))).collect())
    }

    pub(super) fn content(&self, id: ContentId) -> Result<Option<Place>, IndexError> {
        if let Some(place) = self.above.layers().content(id) {
            return Ok(Place::decode(place));
        }
        let contents = self.db.begin_read()?.open_table(CONTENTS)?;
        Ok(contents.get(id.as_bytes())?.and_then(|place| Place::decode(place.value())))
    }

    /// Places of at most `limit` audit entries from leaf `first` on, without a gap.
    pub(super) fn leaves(&self, first: u64, limit: usize) -> Result<Vec<Far>, IndexError> {
        let (above, reading) = {
            let layers = self.above.layers();
            (layers.leaves(first, limit), self.db.begin_read()?)
        };
        let leaves = reading.open_table(LEAVES)?;
        let mut found = BTreeMap::from_iter(above);
        for leaf in leaves.range(first..)?.take(limit) {
            let (leaf, place) = leaf?;
            found.insert(leaf.value(), *place.value());
        }
        let mut places = Vec::new();
        for ((leaf, place), expected) in found.iter().take(limit).zip(first..) {
            if *leaf != expected {
                return Err(IndexError::senseless("a gap in the leaves"));
            }
            places.extend(Far::decode(place));
        }
        Ok(places)
    }
}

/// Writes a layer into the index's file; not durable by itself.
fn write(db: &Database, layer: &Layer) -> Result<(), IndexError> {
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::None).map_err(redb::Error::from)?;
    {
        let mut rows = txn.open_table(ROWS)?;
        for (key, value) in &layer.rows {
            match value {
                Some(value) => drop(rows.insert(&**key, &**value)?),
                None => drop(rows.remove(&**key)?),
            }
        }
        let mut contents = txn.open_table(CONTENTS)?;
        for (id, place) in &layer.contents {
            contents.insert(id, place)?;
        }
        let mut leaves = txn.open_table(LEAVES)?;
        for (leaf, place) in &layer.leaves {
            leaves.insert(leaf, place)?;
        }
        txn.open_table(META)?.insert(PROGRESS, layer.progress.as_slice())?;
    }
    Ok(txn.commit()?)
}

type StoredRow<'a> = (AccessGuard<'a, &'static [u8]>, AccessGuard<'a, &'static [u8]>);

/// The first rows of both, those above in place of those below.
fn page<'a>(
    above: Vec<LayerRow>,
    mut below: impl Iterator<Item = Result<StoredRow<'a>, redb::StorageError>>,
    backwards: bool,
    limit: usize,
) -> Result<Found, IndexError> {
    let mut page = Found::default();
    let mut above = above.into_iter().peekable();
    let mut stored = below.next().transpose()?;
    loop {
        let order = match (above.peek(), &stored) {
            (None, None) => return Ok(page),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((key, _)), Some((other, _))) => match key.as_ref().cmp(other.value()) {
                order if backwards => order.reverse(),
                order => order,
            },
        };
        let row = if order.is_gt() {
            let row = stored.take().map(|(key, value)| {
                known(value.value()).map(|known| Some((shown(key.value()), known)))
            });
            stored = below.next().transpose()?;
            row.transpose()?.flatten()
        } else {
            if order.is_eq() {
                stored = below.next().transpose()?;
            }
            let row = above.next().and_then(|(key, value)| Some((key, value?)));
            row.map(|(key, value)| known(&value).map(|known| (shown(&key), known))).transpose()?
        };
        let Some(row) = row else { continue };
        if page.rows.len() == limit {
            page.more = true;
            return Ok(page);
        }
        page.rows.push(row);
    }
}

/// A key without its table's number.
fn shown(key: &[u8]) -> Bytes {
    Bytes::copy_from_slice(key.get(1..).unwrap_or_default())
}

fn known(value: &[u8]) -> Result<Value, IndexError> {
    Value::decode(value).ok_or_else(|| IndexError::senseless("a row's value"))
}

fn row_key(table: Table, key: &[u8]) -> Vec<u8> {
    [&[table.number()], key].concat()
}
