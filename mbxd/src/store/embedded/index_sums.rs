//! Checksums of the index file's blocks, so that nothing the disk altered is ever taken for the
//! index. Bytes: `docs/formats/log.md`, "Index".

use crate::store::back_end::{BackFile, SECTOR_LEN, len_u64, read_exact_at, write_all_at};
use std::io::{self, ErrorKind, IoSlice};

/// Length of a block: a page of the index's engine.
pub(super) const BLOCK_LEN: u64 = 4096;

/// Blocks whose checksums fill one block.
const GROUP_BLOCKS: u64 = BLOCK_LEN / SUM_LEN;
const SUM_LEN: u64 = 4;
/// Checksums in one sector: what is written together.
const SECTOR_SUMS: u64 = SECTOR_LEN / SUM_LEN;

/// What stands for a block that was never written: it is all zeros.
const NEVER_WRITTEN: u32 = 0;

/// Where block `block` (from 1) of the index stands in the file.
pub(super) const fn block_at(block: u64) -> u64 {
    let group = block.saturating_sub(1) / GROUP_BLOCKS;
    block.saturating_add(group).saturating_add(1).saturating_mul(BLOCK_LEN)
}

/// How many blocks from this one on, itself included, stand one after another in the file.
pub(super) const fn run_from(block: u64) -> u64 {
    GROUP_BLOCKS - block.saturating_sub(1) % GROUP_BLOCKS
}

/// Length of the file that holds so many blocks, the first included.
pub(super) const fn file_len(blocks: u64) -> u64 {
    if blocks == 0 {
        return 0;
    }
    let rest = blocks - 1;
    blocks.saturating_add(rest.div_ceil(GROUP_BLOCKS)).saturating_mul(BLOCK_LEN)
}

/// How many blocks, the first included, a file of this length holds.
pub(super) const fn blocks_in(file_len: u64) -> u64 {
    let here = file_len / BLOCK_LEN;
    if here == 0 {
        return 0;
    }
    let rest = here - 1;
    here - rest.div_ceil(GROUP_BLOCKS + 1)
}

/// The checksums, read as they are needed and written before each sync.
#[derive(Debug, Default)]
pub(super) struct Sums(Vec<Option<Group>>);

#[derive(Debug)]
struct Group {
    sums: Vec<u32>,
    /// Which of its sectors were changed since the last sync.
    changed: Vec<bool>,
}

/// A block that is not what was written there: its place in the file.
pub(super) struct Altered {
    pub(super) offset: u64,
}

impl Sums {
    /// Checks blocks that were read one after another, `first` the first of them.
    pub(super) fn check(
        &mut self,
        file: &dyn BackFile,
        first: u64,
        bytes: &[u8],
    ) -> io::Result<Result<(), Altered>> {
        for (block, bytes) in blocks(first, bytes) {
            let expected = self.sum(file, block)?;
            let sound = match *expected {
                NEVER_WRITTEN => bytes.iter().all(|byte| *byte == 0),
                expected => expected == sum_of(block, bytes),
            };
            if !sound {
                return Ok(Err(Altered { offset: block_at(block) }));
            }
        }
        Ok(Ok(()))
    }

    /// Notes blocks that were written one after another.
    pub(super) fn note(&mut self, file: &dyn BackFile, first: u64, bytes: &[u8]) -> io::Result<()> {
        for (block, bytes) in blocks(first, bytes) {
            *self.sum(file, block)? = sum_of(block, bytes);
            self.mark(block);
        }
        Ok(())
    }

    /// Forgets the blocks from this one on, which the file does not have any more.
    pub(super) fn cut(&mut self, file: &dyn BackFile, blocks: u64) -> io::Result<()> {
        let (group, within) = place_of(blocks);
        if within == 0 {
            self.0.truncate(group);
            return Ok(());
        }
        self.0.truncate(group.saturating_add(1));
        for block in blocks..blocks.saturating_add(run_from(blocks)) {
            *self.sum(file, block)? = NEVER_WRITTEN;
            self.mark(block);
        }
        Ok(())
    }

    /// Writes what was changed into the file; the sync is the caller's.
    pub(super) fn write(&mut self, file: &dyn BackFile) -> io::Result<()> {
        for (number, group) in (0_u64..).zip(&mut self.0) {
            let Some(group) = group.as_mut().filter(|group| group.changed.contains(&true)) else {
                continue;
            };
            let sectors = group.sums.chunks(usize_of(SECTOR_SUMS)).zip(0_u64..);
            for ((sums, sector), changed) in sectors.zip(&group.changed) {
                if *changed {
                    let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_be_bytes()).collect();
                    let at = group_at(number).saturating_add(sector.saturating_mul(SECTOR_LEN));
                    write_all_at(file, at, &mut [IoSlice::new(&bytes)])?;
                }
            }
            group.changed.fill(false);
        }
        Ok(())
    }

    /// The checksum of a block.
    fn sum(&mut self, file: &dyn BackFile, block: u64) -> io::Result<&mut u32> {
        let (number, within) = place_of(block);
        if self.0.len() <= number {
            self.0.resize_with(number.saturating_add(1), || None);
        }
        let group = self.0.get_mut(number).ok_or(ErrorKind::OutOfMemory)?;
        let group = match group {
            Some(group) => group,
            empty => empty.insert(Group::read(file, len_u64(number))?),
        };
        Ok(group.sums.get_mut(within).ok_or(ErrorKind::InvalidInput)?)
    }

    fn mark(&mut self, block: u64) {
        let (number, within) = place_of(block);
        let group = self.0.get_mut(number).and_then(Option::as_mut);
        let sector = within / usize_of(SECTOR_SUMS);
        if let Some(changed) = group.and_then(|group| group.changed.get_mut(sector)) {
            *changed = true;
        }
    }
}

impl Group {
    fn read(file: &dyn BackFile, number: u64) -> io::Result<Self> {
        let mut bytes = vec![0; usize_of(BLOCK_LEN)];
        read_exact_at(file, group_at(number), &mut bytes)?;
        let (sums, _) = bytes.as_chunks();
        let sums = sums.iter().map(|sum| u32::from_be_bytes(*sum)).collect();
        Ok(Self { sums, changed: vec![false; usize_of(BLOCK_LEN / SECTOR_LEN)] })
    }
}

/// Group of a block, and which of its blocks it is.
fn place_of(block: u64) -> (usize, usize) {
    let index = block.saturating_sub(1);
    (usize_of(index / GROUP_BLOCKS), usize_of(index % GROUP_BLOCKS))
}

/// Where the checksums of a group stand in the file.
const fn group_at(group: u64) -> u64 {
    group.saturating_mul(GROUP_BLOCKS + 1).saturating_add(1).saturating_mul(BLOCK_LEN)
}

fn blocks(first: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (first..).zip(bytes.chunks(usize_of(BLOCK_LEN)))
}

/// CRC-32C of the block's number and bytes: a block that was written to another's place is found
/// too.
fn sum_of(block: u64, bytes: &[u8]) -> u32 {
    match crc32c::crc32c_append(crc32c::crc32c(&block.to_be_bytes()), bytes) {
        NEVER_WRITTEN => 1,
        sum => sum,
    }
}

fn usize_of(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_lengths_fit_together_across_groups() {
        let edges = [1, 2, 3, 1024, 1025, 1026, 2048, 2049, 2050, 4097, 1_000_000];
        for blocks in edges {
            assert_eq!(blocks_in(file_len(blocks)), blocks);
            // The last block is the last of the file.
            if blocks > 1 {
                assert_eq!(block_at(blocks - 1) + BLOCK_LEN, file_len(blocks));
            }
        }
        assert_eq!((file_len(0), blocks_in(0), blocks_in(4095)), (0, 0, 0));
        // No block stands where checksums do, and runs end before them.
        let sums: Vec<u64> = (0..4).map(group_at).collect();
        for block in 1..4000 {
            assert!(!sums.contains(&block_at(block)));
            let next = block_at(block + 1) - block_at(block);
            assert_eq!(next == BLOCK_LEN, run_from(block) > 1, "{block}");
        }
    }
}
