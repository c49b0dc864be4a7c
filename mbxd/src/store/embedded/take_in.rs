//! Letting the index take in the log.

use super::error::OpenError;
use super::index::Index;
use super::progress::Progress;
use super::walk::{Group, Walk};
use mbx_common::audit::tree::leaf_hash;

/// Bytes of records that the index takes in at once: small groups are many, and each commit of the
/// index has its own price.
const BATCH_BYTES: usize = 4 << 20;

/// Lets the index take in what the walk meets, to its end.
pub(super) fn take_in(
    walk: &mut Walk<'_>,
    index: &Index,
    progress: &mut Progress,
) -> Result<(), OpenError> {
    while take_in_some(walk, index, progress)? > 0 {}
    Ok(())
}

/// Takes in the next groups of the walk, a few megabytes of them; returns the bytes of their
/// records, 0 at the end.
pub(super) fn take_in_some(
    walk: &mut Walk<'_>,
    index: &Index,
    progress: &mut Progress,
) -> Result<usize, OpenError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut bytes: usize = 0;
    while bytes < BATCH_BYTES
        && let Some(group) = walk.next_group()?
    {
        for (_, record) in group.records() {
            progress.tree.push(leaf_hash(record.entry));
        }
        progress.lsn = walk.last_lsn();
        progress.position = walk.position;
        bytes = bytes.saturating_add(group.bytes().len());
        groups.push(group);
    }
    if !groups.is_empty() {
        index.apply(groups.iter().flat_map(Group::records), progress)?;
    }
    Ok(bytes)
}
