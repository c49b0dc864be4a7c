//! Groups of the log: the records that one sync made durable together. Bytes:
//! `docs/formats/log.md`, "Group".

use crate::store::back_end::{SECTOR_LEN, len_u64};
use crate::store::bytes_at::{u32_at, u64_at};

/// Length of a group's header.
pub(super) const HEADER_LEN: usize = 40;

const MAGIC: &[u8; 4] = b"MBXG";

/// What stands before the records of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct GroupHeader {
    /// Number of records.
    pub(super) records: u32,
    /// Bytes of all records.
    pub(super) records_len: u64,
    /// LSN of the first record; the others follow without a gap.
    pub(super) first_lsn: u64,
    /// Last LSN known to be durable when the group was written.
    pub(super) durable_lsn: u64,
    /// Number of the segment that it stands in.
    pub(super) segment: u32,
}

impl GroupHeader {
    pub(super) fn encode(&self, seed: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.records.to_be_bytes());
        bytes.extend_from_slice(&self.records_len.to_be_bytes());
        bytes.extend_from_slice(&self.first_lsn.to_be_bytes());
        bytes.extend_from_slice(&self.durable_lsn.to_be_bytes());
        bytes.extend_from_slice(&self.segment.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c_append(seed, &bytes).to_be_bytes());
        bytes
    }

    /// Reads the header at the start of the bytes; `None` where there is none of this segment.
    pub(super) fn decode(seed: u32, segment: u32, bytes: &[u8]) -> Option<Self> {
        let sum = crc32c::crc32c_append(seed, bytes.get(..36)?);
        let header = Self {
            records: u32_at(bytes, 4)?,
            records_len: u64_at(bytes, 8)?,
            first_lsn: u64_at(bytes, 16)?,
            durable_lsn: u64_at(bytes, 24)?,
            segment: u32_at(bytes, 32)?,
        };
        let sound =
            bytes.starts_with(MAGIC) && u32_at(bytes, 36)? == sum && header.segment == segment;
        sound.then_some(header)
    }

    /// Length of the group on disk: whole sectors, so that writing a group never touches one that
    /// holds durable bytes.
    pub(super) fn group_len(&self) -> u64 {
        group_len(self.records_len)
    }
}

/// Length on disk of a group whose records take so many bytes.
pub(super) fn group_len(records_len: u64) -> u64 {
    let len = records_len.saturating_add(len_u64(HEADER_LEN));
    len.checked_next_multiple_of(SECTOR_LEN).unwrap_or(u64::MAX)
}

/// What every checksum of a store's log starts from, so that no other store's bytes pass.
pub(super) fn seed(store: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(b"mbx log"), store)
}
