//! Where things stand in the log, as the index keeps it. Bytes: `docs/formats/log.md`, "Index".

use super::walk::Position;
use crate::store::bytes_at::{u32_at, u64_at};
use bytes::Bytes;
use std::ops::Range;

/// Longest value of a row that stands in the index itself; of a longer one the index keeps the
/// place in the log. Sealed keys are longer and never sought by: written a second time with every
/// page around them, they would be most of what the index writes.
pub(super) const VALUE_HERE_MAX: usize = 512;

const HERE: u8 = 0;
const FAR: u8 = 1;

/// Where bytes stand in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Place {
    /// A part of the record that begins at `record`, counted from the record's first byte.
    pub(super) fn in_record(record: Position, part: &Range<u64>) -> Self {
        let offset = record.offset.saturating_add(part.start);
        Self { segment: record.segment, offset, len: part.end.saturating_sub(part.start) }
    }

    /// A range of it, counted from its first byte and cut to it.
    pub(super) fn part(self, range: Range<u64>) -> Self {
        let end = range.end.min(self.len);
        let start = range.start.min(end);
        Self { offset: self.offset.saturating_add(start), len: end.saturating_sub(start), ..self }
    }

    /// Whether the other place lies within this one.
    pub(super) fn holds(self, other: Self) -> bool {
        let end = |place: Self| place.offset.saturating_add(place.len);
        self.segment == other.segment && self.offset <= other.offset && end(other) <= end(self)
    }

    /// Segment, offset, length in 8 bytes.
    pub(super) fn encode(self) -> [u8; 20] {
        let mut place = [0; 20];
        let bytes = self.segment.to_be_bytes().into_iter().chain(self.offset.to_be_bytes());
        let bytes = bytes.chain(self.len.to_be_bytes());
        place.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        place
    }

    /// Reads what [`Place::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (segment, offset) = (u32_at(bytes, 0)?, u64_at(bytes, 4)?);
        Some(Self { segment, offset, len: u64_at(bytes, 12)? })
    }
}

/// A row's value as the index knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// The value itself.
    Here(Bytes),
    /// It stands in the log only.
    Far(Far),
}

/// Bytes that stand in the log: a long value, an audit entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Far {
    pub(super) place: Place,
    /// CRC-32C of the bytes.
    pub(super) checksum: u32,
}

impl Far {
    pub(super) const LEN: usize = 20;

    /// These bytes, which stand there.
    pub(super) fn of(bytes: &[u8], place: Place) -> Self {
        Self { place, checksum: crc32c::crc32c(bytes) }
    }

    /// Whether these are the bytes.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        crc32c::crc32c(bytes) == self.checksum
    }

    /// Segment, offset, length in 4 bytes, checksum.
    pub(super) fn encode(&self) -> [u8; Self::LEN] {
        let Place { segment, offset, len } = self.place;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let mut encoded = [0; Self::LEN];
        let bytes = segment.to_be_bytes().into_iter().chain(offset.to_be_bytes());
        let bytes = bytes.chain(len.to_be_bytes()).chain(self.checksum.to_be_bytes());
        encoded.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        encoded
    }

    /// Reads what [`Far::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (segment, offset) = (u32_at(bytes, 0)?, u64_at(bytes, 4)?);
        let place = Place { segment, offset, len: u64::from(u32_at(bytes, 12)?) };
        let far = Self { place, checksum: u32_at(bytes, 16)? };
        (bytes.len() == Self::LEN).then_some(far)
    }
}

impl Value {
    /// Writes a value as the index keeps it; `place` is where it stands in the log.
    pub(super) fn encode(to: &mut Vec<u8>, value: &[u8], place: Place) {
        to.clear();
        if value.len() <= VALUE_HERE_MAX {
            to.push(HERE);
            to.extend_from_slice(value);
        } else {
            to.push(FAR);
            to.extend_from_slice(&Far::of(value, place).encode());
        }
    }

    /// Reads what [`Value::encode`] wrote; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            HERE => Some(Self::Here(Bytes::copy_from_slice(rest))),
            FAR => Far::decode(rest).map(Self::Far),
            _ => None,
        }
    }
}
