//! Keeping what is found at the end of the log and is no torn write.

use super::group::{self, GroupHeader};
use super::segment;
use super::walk::Position;
use crate::store::aside::put_aside;
use crate::store::back_end::{BackEnd, BackFile, SECTOR_LEN, len_u64, read_exact_at};
use std::io;

/// Copies the unsound group that ended the log, and what stands behind it, into a file beside,
/// durably, unless it is the torn end of a write.
///
/// Of a torn write whole sectors are missing, and they are zeros: nothing is written twice. Where
/// none is, the group was written whole and altered afterwards, and it may have been acknowledged:
/// it is not cut without a word.
pub(super) fn keep_altered(back: &dyn BackEnd, group: Position, seed: u32) -> io::Result<()> {
    let name = segment::name(group.segment);
    let file = back.open(&name)?;
    let end = file.len()?;
    if is_torn(&*file, group, seed, end)? {
        return Ok(());
    }
    let kept = put_aside(back, (&name, &*file), group.offset..end)?;
    tracing::error!(
        kept_in = kept,
        "the log is damaged: {name} at byte {}; nothing after it says that it was durable: it is \
         put aside, and the log goes on without it",
        group.offset
    );
    Ok(())
}

/// Whether the group there is one of which sectors are missing.
fn is_torn(file: &dyn BackFile, group: Position, seed: u32, end: u64) -> io::Result<bool> {
    let first = sector(file, group.offset, end)?;
    let header = GroupHeader::decode(seed, group.segment, &first);
    let len = header.map_or(len_u64(group::HEADER_LEN), |header| header.group_len());
    let group_end = group.offset.saturating_add(len);
    let mut at = group.offset;
    while at < group_end {
        if at >= end || sector(file, at, end)?.iter().all(|byte| *byte == 0) {
            return Ok(true);
        }
        at = at.saturating_add(SECTOR_LEN);
    }
    Ok(false)
}

fn sector(file: &dyn BackFile, at: u64, end: u64) -> io::Result<Vec<u8>> {
    let len = end.saturating_sub(at).min(SECTOR_LEN);
    let mut sector = vec![0; usize::try_from(len).unwrap_or(0)];
    read_exact_at(file, at, &mut sector)?;
    Ok(sector)
}
