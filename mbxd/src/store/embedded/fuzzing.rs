//! Entry points for hostile bytes: the log and how far the index is.

use super::group::{self, GroupHeader};
use super::place::{Place, Value};
use super::progress::Progress;
use super::record::{self, Encoded, Record};
use super::segment::{self, Segment};
use crate::store::change::Changes;
use crate::store::engine::NewContent;
use bytes::Bytes;
use mbx_common::audit::Entry;

const SEED: u32 = 7;

/// A record of the log.
pub fn record(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let body = crc32c::crc32c_append(SEED, bytes.get(record::HEADER_LEN..)?);
    put_u32(&mut bytes, 40, body)?;
    let header = crc32c::crc32c_append(SEED, bytes.get(..44)?);
    put_u32(&mut bytes, 44, header)?;
    let record = Record::decode(SEED, &bytes)?;
    // Entries of later releases stay as they are; what is known is written again.
    let Ok(entry) = Entry::decode(record.entry) else { return None };
    let mut changes = Changes::new();
    for row in record.rows()? {
        let key = Bytes::copy_from_slice(row.key);
        match row.value {
            Some(value) => changes.put(row.table, key, value.bytes.to_vec()),
            None => changes.delete(row.table, key),
        };
    }
    let content = |(id, place): (_, std::ops::Range<u64>)| {
        let (start, end) = (usize::try_from(place.start).ok()?, usize::try_from(place.end).ok()?);
        let pieces = vec![Bytes::copy_from_slice(bytes.get(start..end)?)];
        Some(NewContent { id, pieces })
    };
    let contents = record.contents()?.into_iter().map(content).collect::<Option<Vec<_>>>()?;
    let again = Encoded::new(SEED, &changes, contents, &entry).ok()?;
    let header = again.header(SEED, record.lsn, record.leaf);
    Some(again.pieces().fold(header.to_vec(), |whole, piece| [&whole, &piece[..]].concat()))
}

/// A group's header.
pub fn group(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.get(..group::HEADER_LEN)?.to_vec();
    let sum = crc32c::crc32c_append(SEED, bytes.get(..36)?);
    put_u32(&mut bytes, 36, sum)?;
    let header = GroupHeader::decode(SEED, 1, &bytes)?;
    let _ = header.group_len();
    Some(header.encode(SEED))
}

/// A segment's header.
pub fn segment(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = *bytes.first_chunk::<{ segment::HEADER_LEN }>()?;
    let sum = crc32c::crc32c(bytes.get(..48)?);
    bytes.get_mut(48..52)?.copy_from_slice(&sum.to_be_bytes());
    Segment::decode(&bytes, 1).ok().map(|segment| segment.encode())
}

/// How far an index has come.
pub fn progress(bytes: &[u8]) -> Option<Vec<u8>> {
    Progress::decode(bytes).ok().map(|progress| progress.encode())
}

/// A row's value as the index keeps it: in itself, or by its place in the log.
pub fn value(bytes: &[u8]) -> Option<Vec<u8>> {
    match Value::decode(bytes)? {
        Value::Here(value) => {
            let mut written = Vec::new();
            Value::encode(&mut written, &value, Place { segment: 1, offset: 512, len: 0 });
            // A long value stands in the log alone.
            Some(written).filter(|written| written.first() == bytes.first())
        }
        Value::Far(far) => Some([&[1], &far.encode()[..]].concat()),
    }
}

fn put_u32(bytes: &mut [u8], at: usize, number: u32) -> Option<()> {
    bytes.get_mut(at..at.checked_add(4)?)?.copy_from_slice(&number.to_be_bytes());
    Some(())
}
