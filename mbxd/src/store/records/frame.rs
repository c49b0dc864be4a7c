//! The bytes of a record file: header, batches, records.

use super::file::RecordsError;
use crate::store::back_end::{SECTOR_LEN, len_u64};
use crate::store::bytes_at::{u16_at, u32_at, u64_at};
use bytes::Bytes;

/// Longest record, in bytes.
pub const RECORD_LEN_MAX: usize = 1 << 20;

/// Most records in one batch, so that a batch is read and checked in memory.
pub const BATCH_RECORDS_MAX: usize = 4096;

pub(super) const FILE_HEADER_LEN: usize = 512;
pub(super) const RECORD_HEADER_LEN: usize = 8;
pub(super) const BATCH_HEADER_LEN: usize = 32;

const FILE_MAGIC: &[u8; 6] = b"MBXREC";
const BATCH_MAGIC: &[u8; 4] = b"MBXB";
const FORMAT: u16 = 1;

/// The file's first sector.
pub(super) struct FileHeader {
    id: [u8; 16],
}

impl FileHeader {
    pub(super) const fn new(id: [u8; 16]) -> Self {
        Self { id }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FILE_HEADER_LEN);
        bytes.extend_from_slice(FILE_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes.resize(FILE_HEADER_LEN, 0);
        bytes
    }

    pub(super) fn decode(bytes: &[u8; FILE_HEADER_LEN]) -> Result<Self, RecordsError> {
        let (sum, found) = (bytes.get(..24).map(crc32c::crc32c), u32_at(bytes, 24));
        if !bytes.starts_with(FILE_MAGIC) || sum != found {
            return Err(RecordsError::Damaged { offset: 0 });
        }
        match u16_at(bytes, 6) {
            Some(FORMAT) => {}
            Some(found) if found > FORMAT => {
                return Err(RecordsError::Newer { found, known: FORMAT });
            }
            _ => return Err(RecordsError::Damaged { offset: 6 }),
        }
        let id = bytes.get(8..24).and_then(|id| id.try_into().ok());
        id.map(Self::new).ok_or(RecordsError::Damaged { offset: 8 })
    }

    /// What every checksum of the file starts from, so that no other file's bytes pass.
    pub(super) fn seed(&self) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(b"mbx records"), &self.id)
    }
}

/// The checksum of a record at its place.
pub(super) fn record_checksum(seed: u32, position: u64, record: &[u8]) -> u32 {
    let sum = crc32c::crc32c_append(seed, &position.to_be_bytes());
    let sum = crc32c::crc32c_append(sum, &len_u64(record.len()).to_be_bytes());
    crc32c::crc32c_append(sum, record)
}

/// Length and checksum as a record's header says.
pub(super) fn record_header(header: [u8; RECORD_HEADER_LEN]) -> (usize, u32) {
    let [a, b, c, d, sum @ ..] = header;
    let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    (len, u32::from_be_bytes(sum))
}

/// A batch as it stands in the file, padding included.
pub(super) struct Batch {
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) positions: Vec<u64>,
}

impl Batch {
    pub(super) fn encode(seed: u32, offset: u64, records: &[Bytes]) -> Result<Self, RecordsError> {
        let too_long = |record: &Bytes| record.len() > RECORD_LEN_MAX;
        if records.is_empty() || records.len() > BATCH_RECORDS_MAX || records.iter().any(too_long) {
            return Err(RecordsError::TooLarge);
        }
        let body_len = records.iter().map(|record| RECORD_HEADER_LEN + record.len()).sum();
        let mut bytes = Vec::with_capacity(BATCH_HEADER_LEN + body_len);
        bytes.extend_from_slice(
            &BatchHeader { count: records.len(), offset, body_len }.encode(seed),
        );
        let mut positions = Vec::with_capacity(records.len());
        for record in records {
            let position = offset.saturating_add(len_u64(bytes.len()));
            let len = u32::try_from(record.len()).map_err(|_| RecordsError::TooLarge)?;
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(&record_checksum(seed, position, record).to_be_bytes());
            bytes.extend_from_slice(record);
            positions.push(position);
        }
        bytes.resize(padded(bytes.len()), 0);
        Ok(Self { offset, bytes, positions })
    }

    /// Checks the bytes from a batch's first to its last, padding included.
    pub(super) fn decode(
        seed: u32,
        header: &BatchHeader,
        bytes: Vec<u8>,
    ) -> Result<Self, RecordsError> {
        let end = BATCH_HEADER_LEN.saturating_add(header.body_len);
        let mut at = BATCH_HEADER_LEN;
        let mut positions = Vec::new();
        while at < end {
            let position = header.offset.saturating_add(len_u64(at));
            let damaged = RecordsError::Damaged { offset: position };
            let Some(record) = record_at(&bytes, at).filter(|record| {
                Some(record_checksum(seed, position, record))
                    == u32_at(&bytes, at.saturating_add(4))
            }) else {
                return Err(damaged);
            };
            positions.push(position);
            at = at.saturating_add(RECORD_HEADER_LEN).saturating_add(record.len());
        }
        if at != end || positions.len() != header.count {
            return Err(RecordsError::Damaged { offset: header.offset });
        }
        Ok(Self { offset: header.offset, bytes, positions })
    }

    /// The records with their positions.
    pub(super) fn records(&self) -> Result<Vec<(u64, Bytes)>, RecordsError> {
        let record = |position: &u64| {
            let at = usize::try_from(position.saturating_sub(self.offset)).ok()?;
            Some((*position, Bytes::copy_from_slice(record_at(&self.bytes, at)?)))
        };
        let records = self.positions.iter().map(record).collect::<Option<Vec<_>>>();
        records.ok_or(RecordsError::Damaged { offset: self.offset })
    }
}

fn record_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let len = usize::try_from(u32_at(bytes, at)?).ok()?;
    let start = at.checked_add(RECORD_HEADER_LEN)?;
    bytes.get(start..start.checked_add(len)?)
}

/// The start of a batch.
pub(super) struct BatchHeader {
    pub(super) count: usize,
    pub(super) offset: u64,
    /// Bytes of all records with their headers.
    pub(super) body_len: usize,
}

impl BatchHeader {
    fn encode(&self, seed: u32) -> [u8; BATCH_HEADER_LEN] {
        let mut bytes = Vec::with_capacity(BATCH_HEADER_LEN);
        bytes.extend_from_slice(BATCH_MAGIC);
        bytes.extend_from_slice(&u32::try_from(self.count).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&len_u64(self.body_len).to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&crc32c::crc32c_append(seed, &bytes).to_be_bytes());
        bytes.try_into().unwrap_or([0; BATCH_HEADER_LEN])
    }

    /// Reads a header that stands at `offset`; `None` where there is none.
    pub(super) fn decode(seed: u32, offset: u64, bytes: &[u8]) -> Option<Self> {
        let sum = crc32c::crc32c_append(seed, bytes.get(..28)?);
        let whole = bytes.starts_with(BATCH_MAGIC)
            && u32_at(bytes, 28)? == sum
            && u64_at(bytes, 8)? == offset;
        let count = usize::try_from(u32_at(bytes, 4)?).ok()?;
        let body_len = usize::try_from(u64_at(bytes, 16)?).ok()?;
        let longest = BATCH_RECORDS_MAX.saturating_mul(RECORD_HEADER_LEN + RECORD_LEN_MAX);
        (whole && body_len <= longest).then_some(Self { count, offset, body_len })
    }

    /// Length of the batch in the file, padding included.
    pub(super) fn batch_len(&self) -> usize {
        padded(BATCH_HEADER_LEN.saturating_add(self.body_len))
    }
}

/// Batches fill whole sectors, so that writing one never touches what is durable before it.
fn padded(len: usize) -> usize {
    usize::try_from(SECTOR_LEN).map_or(len, |sector| len.next_multiple_of(sector))
}
