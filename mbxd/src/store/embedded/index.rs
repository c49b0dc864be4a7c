//! The index: rows, places of contents and audit entries, and how far of the log it has taken in.
//! All of it can be made again from the log.

use super::error::IndexError;
use super::record::Record;
use super::segment::StoreId;
use super::walk::Position;
use crate::store::back_end::{BackFile, read_exact_at, write_all_at};
use crate::store::bytes_at::{array_at, u32_at, u64_at};
use crate::store::change::Table;
use crate::store::engine::{KeyRange, Page};
use bytes::Bytes;
use mbx_common::audit::tree::Tree;
use mbx_common::id::ContentId;
use redb::{Database, Durability, ReadableDatabase, StorageBackend, TableDefinition};
use std::io::{self, IoSlice};
use std::ops::Bound;
use std::sync::Arc;

/// The index's file.
pub(super) const NAME: &str = "index.redb";

/// Rows of all tables: table number ‖ key → value.
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Content id → segment, offset, length.
const CONTENTS: TableDefinition<'_, &[u8; 16], &[u8; 20]> = TableDefinition::new("contents");
/// Leaf index → segment, offset, length of the encoded audit entry.
const LEAVES: TableDefinition<'_, u64, &[u8; 16]> = TableDefinition::new("leaves");
/// One row: [`Progress`].
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const PROGRESS: &str = "progress";
const PROGRESS_FORMAT: u8 = 1;

/// Where bytes stand in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// How far of the log an index has taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Progress {
    pub(super) store: StoreId,
    /// Where the next group goes.
    pub(super) position: Position,
    /// Last unit taken in; 0 = none.
    pub(super) lsn: u64,
    /// The audit tree over all units taken in.
    pub(super) tree: Tree,
}

impl Progress {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![PROGRESS_FORMAT];
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.position.segment.to_be_bytes());
        bytes.extend_from_slice(&self.position.offset.to_be_bytes());
        bytes.extend_from_slice(&self.lsn.to_be_bytes());
        bytes.extend_from_slice(&self.tree.to_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        (*bytes.first()? == PROGRESS_FORMAT).then_some(())?;
        let position = Position { segment: u32_at(bytes, 17)?, offset: u64_at(bytes, 21)? };
        let tree = Tree::from_bytes(bytes.get(37..)?).ok()?;
        Some(Self { store: array_at(bytes, 1)?, position, lsn: u64_at(bytes, 29)?, tree })
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

    /// How far it is; `None` where it never took anything in, or cannot be understood.
    pub(super) fn progress(&self) -> Result<Option<Progress>, IndexError> {
        let txn = self.0.begin_read()?;
        let meta = match txn.open_table(META) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        Ok(meta.get(PROGRESS)?.and_then(|bytes| Progress::decode(bytes.value())))
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
        segment: u32,
        records: impl Iterator<Item = (u64, Record<'a>)>,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let mut txn = self.0.begin_write()?;
        txn.set_durability(Durability::None).map_err(redb::Error::from)?;
        {
            let mut rows = txn.open_table(ROWS)?;
            let mut contents = txn.open_table(CONTENTS)?;
            let mut leaves = txn.open_table(LEAVES)?;
            let mut key = Vec::new();
            for (at, record) in records {
                for row in record.rows().unwrap_or_default() {
                    row_key(&mut key, row.table, row.key);
                    match row.value {
                        Some(value) => rows.insert(key.as_slice(), value)?,
                        None => rows.remove(key.as_slice())?,
                    };
                }
                for (id, place) in record.contents().unwrap_or_default() {
                    let offset = at.saturating_add(place.start);
                    let len = place.end.saturating_sub(place.start);
                    contents.insert(id.as_bytes(), &content_place(segment, offset, len))?;
                }
                let entry = record.entry_place();
                let offset = at.saturating_add(entry.start);
                let len = entry.end.saturating_sub(entry.start);
                leaves.insert(record.leaf, &leaf_place(segment, offset, len))?;
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

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        let mut full = Vec::new();
        row_key(&mut full, table, key);
        let rows = self.0.begin_read()?.open_table(ROWS)?;
        Ok(rows.get(full.as_slice())?.map(|value| Bytes::copy_from_slice(value.value())))
    }

    pub(super) fn scan(
        &self,
        table: Table,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Page, IndexError> {
        let (mut from, mut until) = (Vec::new(), Vec::new());
        row_key(&mut from, table, &range.from);
        match &range.until {
            Some(end) => row_key(&mut until, table, end),
            None => until.push(table.number().saturating_add(1)),
        }
        let mut page = Page::default();
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
            page.rows.push((key, Bytes::copy_from_slice(value.value())));
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
            let len = u64_at(place.value(), 12).unwrap_or_default();
            found.push((ContentId::from_bytes(*id.value()), len));
        }
        Ok(found)
    }

    pub(super) fn content(&self, id: ContentId) -> Result<Option<Place>, IndexError> {
        let contents = self.0.begin_read()?.open_table(CONTENTS)?;
        Ok(contents.get(id.as_bytes())?.and_then(|place| {
            let place = place.value();
            let (segment, offset) = (u32_at(place, 0)?, u64_at(place, 4)?);
            Some(Place { segment, offset, len: u64_at(place, 12)? })
        }))
    }

    /// Places of at most `limit` audit entries from leaf `first` on, without a gap.
    pub(super) fn leaves(&self, first: u64, limit: usize) -> Result<Vec<Place>, IndexError> {
        let leaves = self.0.begin_read()?.open_table(LEAVES)?;
        let mut places = Vec::new();
        for leaf in leaves.range(first..)?.take(limit) {
            let (_, place) = leaf?;
            let place = place.value();
            let read = || {
                let (segment, offset) = (u32_at(place, 0)?, u64_at(place, 4)?);
                Some(Place { segment, offset, len: u64::from(u32_at(place, 12)?) })
            };
            places.extend(read());
        }
        Ok(places)
    }
}

fn row_key(to: &mut Vec<u8>, table: Table, key: &[u8]) {
    to.clear();
    to.push(table.number());
    to.extend_from_slice(key);
}

fn content_place(segment: u32, offset: u64, len: u64) -> [u8; 20] {
    let mut place = [0; 20];
    let bytes = segment.to_be_bytes().into_iter().chain(offset.to_be_bytes());
    let bytes = bytes.chain(len.to_be_bytes());
    place.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    place
}

fn leaf_place(segment: u32, offset: u64, len: u64) -> [u8; 16] {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let mut place = [0; 16];
    let bytes = segment.to_be_bytes().into_iter().chain(offset.to_be_bytes());
    let bytes = bytes.chain(len.to_be_bytes());
    place.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    place
}

/// The index's engine on the store's own back end.
#[derive(Debug)]
struct IndexFile(Arc<dyn BackFile>);

impl StorageBackend for IndexFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&*self.0, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // Sparse: it grows by doubling, and the watermarks keep space for what is written.
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_all_at(&*self.0, offset, &mut [IoSlice::new(data)])
    }
}
