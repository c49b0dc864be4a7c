//! The end of a record file: finding it, putting aside and cutting what is torn, making the rest
//! durable.

use super::file::{RecordsError, at};
use super::frame::{BATCH_HEADER_LEN, Batch, BatchHeader, FILE_HEADER_LEN};
use crate::store::aside::put_aside;
use crate::store::back_end::{BackEnd, BackFile, SECTOR_LEN, len_u64, read_exact_at, write_all_at};
use std::io::IoSlice;

/// Bytes read at once while the last batch is sought.
const BLOCK_LEN: u64 = 1 << 20;

/// A record file being opened.
pub(super) struct Opening<'a> {
    pub(super) back: &'a dyn BackEnd,
    pub(super) name: &'a str,
    pub(super) file: &'a dyn BackFile,
    pub(super) seed: u32,
    /// Length that is known to have been durable.
    pub(super) durable_len: u64,
}

/// Finds the end, cuts a torn batch, writes the last whole one again and syncs it.
///
/// A batch is begun only when the one before it is durable, so only the last can be torn, and
/// looking for it from the end spares reading the whole file. A torn batch and a durable one with a
/// flipped bit look alike: whatever is cut is put aside before, and nothing is touched where less
/// than the known length is left.
pub(super) fn recover(opening: &Opening<'_>) -> Result<u64, RecordsError> {
    let (file, seed) = (opening.file, opening.seed);
    let len = file.len()?;
    let mut end = len_u64(FILE_HEADER_LEN);
    let mut last = None;
    if let Some(header) = last_header(file, seed, len)? {
        match read_body(file, seed, &header) {
            Ok(batch) => {
                end = batch.offset.saturating_add(len_u64(batch.bytes.len()));
                last = Some(batch);
            }
            Err(RecordsError::Damaged { .. }) => end = header.offset,
            Err(error) => return Err(error),
        }
    }
    if end < opening.durable_len {
        return Err(RecordsError::Short { end, durable_len: opening.durable_len });
    }
    if let Some(batch) = last {
        write_all_at(file, batch.offset, &mut [IoSlice::new(&batch.bytes)])?;
    }
    if len > end {
        keep(opening, end, len)?;
        file.set_len(end)?;
    }
    file.sync()?;
    Ok(end)
}

/// Copies what is about to be cut into a file beside, durably.
fn keep(opening: &Opening<'_>, from: u64, to: u64) -> Result<(), RecordsError> {
    let file = (opening.name, opening.file);
    if let Some(kept_in) = put_aside(opening.back, file, from..to).map_err(at(from))? {
        tracing::error!(
            file = opening.name,
            offset = from,
            bytes = to.saturating_sub(from),
            kept_in,
            "the last batch of a record file is torn or damaged; it was put aside and cut"
        );
    }
    Ok(())
}

/// The last sector that begins with a batch header of this file.
fn last_header(
    file: &dyn BackFile,
    seed: u32,
    len: u64,
) -> Result<Option<BatchHeader>, RecordsError> {
    let first = len_u64(FILE_HEADER_LEN);
    let mut block_end = len.next_multiple_of(SECTOR_LEN);
    while block_end > first {
        let block_start = block_end.saturating_sub(BLOCK_LEN).max(first);
        let block_len = len.min(block_end).saturating_sub(block_start);
        let mut block = vec![0; usize::try_from(block_len).unwrap_or(0)];
        read_exact_at(file, block_start, &mut block).map_err(at(block_start))?;
        let sectors = block.chunks(usize::try_from(SECTOR_LEN).unwrap_or(usize::MAX));
        let offsets = (block_start..block_end).step_by(FILE_HEADER_LEN);
        let headers = offsets
            .zip(sectors)
            .filter_map(|(offset, sector)| BatchHeader::decode(seed, offset, sector));
        if let Some(header) = headers.last() {
            return Ok(Some(header));
        }
        block_end = block_start;
    }
    Ok(None)
}

/// Reads and checks the batch at an offset; `None` where no batch begins there.
pub(super) fn read_batch(
    file: &dyn BackFile,
    seed: u32,
    offset: u64,
) -> Result<Option<Batch>, RecordsError> {
    let mut bytes = [0; BATCH_HEADER_LEN];
    read_exact_at(file, offset, &mut bytes).map_err(at(offset))?;
    let header = BatchHeader::decode(seed, offset, &bytes);
    header.map(|header| read_body(file, seed, &header)).transpose()
}

fn read_body(file: &dyn BackFile, seed: u32, header: &BatchHeader) -> Result<Batch, RecordsError> {
    if header.offset.saturating_add(len_u64(header.batch_len())) > file.len()? {
        return Err(RecordsError::Damaged { offset: header.offset });
    }
    let mut bytes = vec![0; header.batch_len()];
    read_exact_at(file, header.offset, &mut bytes).map_err(at(header.offset))?;
    Batch::decode(seed, header, bytes)
}
