//! A unit of work as a record of the log: header, changes, audit entry, table of contents,
//! contents. Bytes: `docs/formats/log.md`, "Record".

use crate::store::back_end::len_u64;
use crate::store::bytes_at::{array_at, u16_at, u32_at, u64_at};
use crate::store::change::{Change, Changes, Table};
use crate::store::engine::NewContent;
use crate::store::error::CommitError;
use bytes::Bytes;
use mbx_common::audit::Entry;
use mbx_common::id::ContentId;
use std::ops::Range;

/// Length of a record's header.
pub(super) const HEADER_LEN: usize = 48;

/// Longest record, so that one always fits in memory while the log is replayed.
pub(super) const RECORD_LEN_MAX: u64 = 256 << 20;

const MAGIC: &[u8; 4] = b"MBXR";
const KIND_UNIT: u8 = 1;
const CHANGE_PUT: u8 = 1;
const CHANGE_DELETE: u8 = 2;
const TABLE_ROW_LEN: usize = ContentId::LEN + 8;

/// Lengths of a record's four parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Lens {
    contents: u16,
    changes: u32,
    entry: u32,
    contents_bytes: u64,
}

impl Lens {
    fn table(self) -> u64 {
        u64::from(self.contents).saturating_mul(len_u64(TABLE_ROW_LEN))
    }

    fn front(self) -> u64 {
        u64::from(self.changes).saturating_add(u64::from(self.entry)).saturating_add(self.table())
    }

    fn record(self) -> u64 {
        len_u64(HEADER_LEN).saturating_add(self.front()).saturating_add(self.contents_bytes)
    }
}

/// A unit of work, encoded but for its place in the log.
pub(super) struct Encoded {
    lens: Lens,
    /// Changes, entry and table of contents.
    front: Bytes,
    contents: Vec<NewContent>,
    body_checksum: u32,
}

impl Encoded {
    /// Encodes a unit. Contents are not copied.
    pub(super) fn new(
        seed: u32,
        changes: &Changes,
        contents: Vec<NewContent>,
        entry: &Entry,
    ) -> Result<Self, CommitError> {
        let mut front = Vec::new();
        for step in changes.steps() {
            encode_change(&mut front, step)?;
        }
        let changes_len = front.len();
        front.extend_from_slice(&entry.encode());
        let entry_len = front.len().saturating_sub(changes_len);
        let mut contents_bytes: u64 = 0;
        for content in &contents {
            let len = content.len();
            front.extend_from_slice(content.id.as_bytes());
            front.extend_from_slice(&len.to_be_bytes());
            contents_bytes = contents_bytes.saturating_add(len);
        }
        let lens = Lens {
            contents: u16::try_from(contents.len()).map_err(too_large)?,
            changes: u32::try_from(changes_len).map_err(too_large)?,
            entry: u32::try_from(entry_len).map_err(too_large)?,
            contents_bytes,
        };
        if lens.record() > RECORD_LEN_MAX {
            return Err(CommitError::TooLarge);
        }
        let pieces = contents.iter().flat_map(|content| &content.pieces);
        let body_checksum = pieces.fold(crc32c::crc32c_append(seed, &front), |sum, piece| {
            crc32c::crc32c_append(sum, piece)
        });
        Ok(Self { lens, front: front.into(), contents, body_checksum })
    }

    /// Length of the record in bytes.
    pub(super) fn len(&self) -> u64 {
        self.lens.record()
    }

    /// Bytes of its contents.
    pub(super) fn content_bytes(&self) -> u64 {
        self.lens.contents_bytes
    }

    /// The header that gives the record its place in the log.
    pub(super) fn header(&self, seed: u32, lsn: u64, leaf: u64) -> Bytes {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[KIND_UNIT, 0]);
        bytes.extend_from_slice(&self.lens.contents.to_be_bytes());
        bytes.extend_from_slice(&lsn.to_be_bytes());
        bytes.extend_from_slice(&leaf.to_be_bytes());
        bytes.extend_from_slice(&self.lens.changes.to_be_bytes());
        bytes.extend_from_slice(&self.lens.entry.to_be_bytes());
        bytes.extend_from_slice(&self.lens.contents_bytes.to_be_bytes());
        bytes.extend_from_slice(&self.body_checksum.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c_append(seed, &bytes).to_be_bytes());
        bytes.into()
    }

    /// What follows the header, in pieces.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.front).chain(self.contents.iter().flat_map(|content| &content.pieces))
    }

    /// Ids of the unit's contents.
    pub(super) fn content_ids(&self) -> impl Iterator<Item = ContentId> {
        self.contents.iter().map(|content| content.id)
    }

    /// The record as replaying would read it; `None` never, for what was encoded here.
    pub(super) fn record(&self, lsn: u64, leaf: u64) -> Option<Record<'_>> {
        Record::split(self.lens, lsn, leaf, &self.front)
    }
}

fn encode_change(to: &mut Vec<u8>, step: &Change) -> Result<(), CommitError> {
    let (kind, table, key) = match step {
        Change::Expect(..) => return Ok(()),
        Change::Put(table, key, _) => (CHANGE_PUT, table, key),
        Change::Delete(table, key) => (CHANGE_DELETE, table, key),
    };
    to.extend_from_slice(&[kind, table.number()]);
    to.extend_from_slice(&u16::try_from(key.len()).map_err(too_large)?.to_be_bytes());
    to.extend_from_slice(key);
    if let Change::Put(_, _, value) = step {
        to.extend_from_slice(&u32::try_from(value.len()).map_err(too_large)?.to_be_bytes());
        to.extend_from_slice(value);
    }
    Ok(())
}

fn too_large(_: std::num::TryFromIntError) -> CommitError {
    CommitError::TooLarge
}

/// A checked record of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) lsn: u64,
    /// Index of the audit entry in the tree.
    pub(super) leaf: u64,
    /// The encoded audit entry.
    pub(super) entry: &'a [u8],
    changes: &'a [u8],
    table: &'a [u8],
    lens: Lens,
}

/// One row that a record writes, or removes where there is no value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RowChange<'a> {
    pub(super) table: Table,
    pub(super) key: &'a [u8],
    pub(super) value: Option<Written<'a>>,
}

/// A value that a record writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Written<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it stands, counted from the record's first byte.
    at: u64,
}

impl Written<'_> {
    /// The part of the record that it is.
    pub(super) fn part(&self) -> Range<u64> {
        self.at..self.at.saturating_add(len_u64(self.bytes.len()))
    }
}

impl<'a> Record<'a> {
    /// Reads the record at the start of the bytes; `None` where it is not whole and sound.
    pub(super) fn decode(seed: u32, bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_LEN)?;
        let sum = crc32c::crc32c_append(seed, header.get(..44)?);
        let sound = header.starts_with(MAGIC)
            && header.get(4..6)? == [KIND_UNIT, 0]
            && u32_at(header, 44)? == sum;
        let lens = Lens {
            contents: u16_at(header, 6)?,
            changes: u32_at(header, 24)?,
            entry: u32_at(header, 28)?,
            contents_bytes: u64_at(header, 32)?,
        };
        if !sound || lens.record() > RECORD_LEN_MAX {
            return None;
        }
        let body = bytes.get(HEADER_LEN..usize::try_from(lens.record()).ok()?)?;
        if u32_at(header, 40)? != crc32c::crc32c_append(seed, body) {
            return None;
        }
        let front = body.get(..usize::try_from(lens.front()).ok()?)?;
        let record = Self::split(lens, u64_at(header, 8)?, u64_at(header, 16)?, front)?;
        let contents: u64 =
            record.contents()?.iter().map(|(_, place)| place.end - place.start).sum();
        (record.rows().is_some() && contents == lens.contents_bytes).then_some(record)
    }

    fn split(lens: Lens, lsn: u64, leaf: u64, front: &'a [u8]) -> Option<Self> {
        let (changes, rest) = front.split_at_checked(usize::try_from(lens.changes).ok()?)?;
        let (entry, table) = rest.split_at_checked(usize::try_from(lens.entry).ok()?)?;
        (len_u64(table.len()) == lens.table()).then_some(Self {
            lsn,
            leaf,
            entry,
            changes,
            table,
            lens,
        })
    }

    /// Length of the record in bytes.
    pub(super) fn len(&self) -> u64 {
        self.lens.record()
    }

    /// The rows it writes and removes, in order; `None` where they cannot be read.
    pub(super) fn rows(&self) -> Option<Vec<RowChange<'a>>> {
        let mut rest = self.changes;
        let mut at = len_u64(HEADER_LEN);
        let mut rows = Vec::new();
        while !rest.is_empty() {
            let (kind, table) = (*rest.first()?, Table::from_number(*rest.get(1)?)?);
            let key_end = usize::from(u16_at(rest, 2)?).checked_add(4)?;
            let key = rest.get(4..key_end)?;
            let (value, end) = match kind {
                CHANGE_PUT => {
                    let start = key_end.checked_add(4)?;
                    let end = start.checked_add(usize::try_from(u32_at(rest, key_end)?).ok()?)?;
                    let at = at.saturating_add(len_u64(start));
                    (Some(Written { bytes: rest.get(start..end)?, at }), end)
                }
                CHANGE_DELETE => (None, key_end),
                _ => return None,
            };
            rows.push(RowChange { table, key, value });
            rest = rest.get(end..)?;
            at = at.saturating_add(len_u64(end));
        }
        Some(rows)
    }

    /// Ids of its contents and where each stands, counted from the record's first byte; `None`
    /// where the lengths do not add up.
    pub(super) fn contents(&self) -> Option<Vec<(ContentId, Range<u64>)>> {
        let mut start = len_u64(HEADER_LEN).saturating_add(self.lens.front());
        let mut contents = Vec::new();
        for row in self.table.chunks_exact(TABLE_ROW_LEN) {
            let id = ContentId::from_bytes(array_at(row, 0)?);
            let end = start.checked_add(u64_at(row, ContentId::LEN)?)?;
            contents.push((id, start..end));
            start = end;
        }
        Some(contents)
    }

    /// Where the audit entry stands, counted from the record's first byte.
    pub(super) fn entry_place(&self) -> Range<u64> {
        let start = len_u64(HEADER_LEN).saturating_add(u64::from(self.lens.changes));
        start..start.saturating_add(u64::from(self.lens.entry))
    }
}
