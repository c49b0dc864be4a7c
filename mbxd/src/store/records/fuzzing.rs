//! Entry points for hostile bytes: record files.

use super::frame::{BATCH_HEADER_LEN, Batch, BatchHeader, FILE_HEADER_LEN, FileHeader};
use bytes::Bytes;

const SEED: u32 = 7;
const OFFSET: u64 = 512;

/// A file's header.
pub fn file_header(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = *bytes.first_chunk::<FILE_HEADER_LEN>()?;
    let sum = crc32c::crc32c(bytes.get(..24)?);
    bytes.get_mut(24..28)?.copy_from_slice(&sum.to_be_bytes());
    FileHeader::decode(&bytes).ok().map(|header| header.encode())
}

/// A batch with its header; records are written again one by one.
pub fn batch(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let sum = crc32c::crc32c_append(SEED, bytes.get(..28)?);
    bytes.get_mut(28..BATCH_HEADER_LEN)?.copy_from_slice(&sum.to_be_bytes());
    let header = BatchHeader::decode(SEED, OFFSET, &bytes)?;
    let len = header.batch_len();
    let whole = bytes.get(..len)?.to_vec();
    let batch = Batch::decode(SEED, &header, whole).ok()?;
    let records: Vec<Bytes> = batch.records().ok()?.into_iter().map(|(_, record)| record).collect();
    Batch::encode(SEED, OFFSET, &records).ok().map(|batch| batch.bytes)
}
