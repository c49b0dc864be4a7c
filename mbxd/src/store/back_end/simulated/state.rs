//! What stands on the simulated disk: as its user sees it, and as it would be after a power loss.

use super::super::{SECTOR_LEN, len_u64};
use super::disk::{Fault, SimulatedDisk};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The disk at one moment, for a [`super::Probe`].
pub struct Snapshot<'a>(pub(super) &'a State);

#[derive(Default)]
pub(super) struct State {
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) names: BTreeMap<String, u64>,
    pub(super) durable_names: BTreeMap<String, u64>,
    /// Changes of names that no folder sync made durable yet, in order.
    /// Each is one entry of the journal: whole or not at all.
    pub(super) pending_names: Vec<NameChanges>,
    pub(super) locked: BTreeSet<String>,
    pub(super) next_inode: u64,
    pub(super) capacity: Option<u64>,
    pub(super) operations: u64,
    /// What each operation was, where somebody wants to know.
    pub(super) remembered: Option<Vec<String>>,
    pub(super) trouble: Option<Trouble>,
    /// Operations that failed.
    pub(super) failures: u64,
    pub(super) dice: Dice,
}

/// Names that begin to mean a file, or nothing any more, together.
pub(super) type NameChanges = Vec<(String, Option<u64>)>;

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) now: Vec<u8>,
    pub(super) durable: Vec<u8>,
    /// Sectors of `now` that differ from `durable` and will be written by the next sync.
    pub(super) dirty: BTreeSet<u64>,
    /// Shortest length since the last sync, where the file was cut.
    pub(super) cut_to: Option<usize>,
    /// Blocks that take space: written or reserved. The rest is sparse.
    pub(super) backed: BTreeSet<u64>,
    pub(super) syncs: u64,
    /// Bytes written so far.
    pub(super) written: u64,
}

/// Which operations fail, by number.
pub(super) struct Trouble {
    pub(super) first: u64,
    /// The first that does not fail any more.
    pub(super) end: u64,
    /// How far apart those that fail are, at least 1.
    pub(super) every: u64,
    pub(super) fault: Fault,
}

impl Trouble {
    pub(super) fn hits(&self, operation: u64) -> bool {
        (self.first..self.end).contains(&operation)
            && operation.abs_diff(self.first).is_multiple_of(self.every)
    }
}

/// Unit in which files take space.
const BLOCK_LEN: u64 = 4096;

/// Repeatable choices (splitmix64).
#[derive(Clone, Copy, Default)]
pub(super) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or(0)
    }
}

impl Snapshot<'_> {
    /// The disk after the process was killed: everything written is there, synced or not.
    #[must_use]
    pub fn after_kill(&self) -> SimulatedDisk {
        let state = self.0;
        SimulatedDisk::from_state(State {
            inodes: state.inodes.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            pending_names: state.pending_names.clone(),
            next_inode: state.next_inode,
            ..State::default()
        })
    }

    /// The disk after the power failed: a part of what was not synced is lost, chosen by `seed`.
    #[must_use]
    pub fn after_power_loss(&self, seed: u64) -> SimulatedDisk {
        let state = self.0;
        let mut dice = Dice(seed);
        let kept_tenths = dice.below(11);
        let mut names = state.durable_names.clone();
        let pending = u64::try_from(state.pending_names.len()).unwrap_or(u64::MAX);
        // Journals keep the order of names, so a first part of the changes survives.
        let kept_names = usize::try_from(dice.below(pending.saturating_add(1))).unwrap_or(0);
        let kept = state.pending_names.iter().take(kept_names);
        kept.for_each(|changes| apply(&mut names, changes));
        let mut inodes = BTreeMap::new();
        for number in names.values() {
            if let Some(inode) = state.inodes.get(number) {
                inodes.insert(*number, Inode::durable(inode.survivors(&mut dice, kept_tenths)));
            }
        }
        SimulatedDisk::from_state(State {
            inodes,
            durable_names: names.clone(),
            names,
            next_inode: state.next_inode,
            ..State::default()
        })
    }
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl State {
    /// Links a new, empty file to the name as the user sees it.
    pub(super) fn link(&mut self, name: &str) -> u64 {
        self.next_inode = self.next_inode.saturating_add(1);
        self.names.insert(name.to_owned(), self.next_inode);
        self.inodes.insert(self.next_inode, Inode::default());
        self.next_inode
    }

    /// The files whose names begin like this.
    pub(super) fn inodes_of(&self, prefix: &str) -> impl Iterator<Item = &Inode> {
        let names = self.names.iter().filter(move |(name, _)| name.starts_with(prefix));
        names.filter_map(|(_, inode)| self.inodes.get(inode))
    }

    pub(super) fn used(&self) -> u64 {
        let inodes = self.names.values().filter_map(|inode| self.inodes.get(inode));
        inodes.map(|inode| len_u64(inode.backed.len()).saturating_mul(BLOCK_LEN)).sum()
    }

    /// Gives space to a part of a file; where the disk has no more, none of it.
    pub(super) fn back(&mut self, number: u64, start: usize, end: usize) -> io::Result<()> {
        let blocks = len_u64(start) / BLOCK_LEN..len_u64(end).div_ceil(BLOCK_LEN);
        let free = self.capacity.map(|capacity| capacity.saturating_sub(self.used()) / BLOCK_LEN);
        let Some(inode) = self.inodes.get_mut(&number) else { return Ok(()) };
        let new: Vec<u64> = blocks.filter(|block| !inode.backed.contains(block)).collect();
        if free.is_some_and(|free| len_u64(new.len()) > free) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        inode.backed.extend(new);
        Ok(())
    }

    /// What a failed sync leaves: some sectors reached the disk, and none counts as unwritten any
    /// more, so that a second sync would report success.
    pub(super) fn fail_sync(&mut self, number: u64) {
        let mut dice = self.dice;
        if let Some(inode) = self.inodes.get_mut(&number) {
            inode.durable = inode.survivors(&mut dice, 5);
            inode.dirty.clear();
            inode.cut_to = None;
        }
        self.dice = dice;
    }

    pub(super) fn sync_names(&mut self, folder: &str) {
        let inside = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder) == folder;
        let (synced, pending) = std::mem::take(&mut self.pending_names)
            .into_iter()
            .partition(|changes| changes.iter().all(|(name, _)| inside(name)));
        self.pending_names = pending;
        let synced: Vec<NameChanges> = synced;
        for changes in &synced {
            apply(&mut self.durable_names, changes);
        }
    }
}

fn apply(names: &mut BTreeMap<String, u64>, changes: &NameChanges) {
    for (name, inode) in changes {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

impl Inode {
    /// A file of which all is durable.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        let backed = (0..len_u64(bytes.len()).div_ceil(BLOCK_LEN)).collect();
        Self { durable: bytes.clone(), now: bytes, backed, ..Self::default() }
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.written = self.written.saturating_add(len_u64(bytes.len()));
        let end = offset.saturating_add(bytes.len());
        if self.now.len() < end {
            self.mark(self.now.len(), end);
            self.now.resize(end, 0);
        }
        if let Some(place) = self.now.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        self.mark(offset, end);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        if len < self.now.len() {
            self.cut_to = Some(self.cut_to.map_or(len, |cut| cut.min(len)));
            let end = len_u64(len).div_ceil(SECTOR_LEN);
            self.dirty.retain(|sector| *sector < end);
            let end = len_u64(len).div_ceil(BLOCK_LEN);
            self.backed.retain(|block| *block < end);
        }
        self.now.resize(len, 0);
    }

    pub(super) fn sync(&mut self) {
        if let Some(cut) = self.cut_to.take() {
            self.durable.truncate(cut);
        }
        self.durable.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            keep(&mut self.durable, &self.now, sector);
        }
    }

    fn mark(&mut self, start: usize, end: usize) {
        let sectors = len_u64(start) / SECTOR_LEN..len_u64(end).div_ceil(SECTOR_LEN);
        self.dirty.extend(sectors);
    }

    /// The file after a power loss: what was synced and a random part of the rest.
    fn survivors(&self, dice: &mut Dice, kept_tenths: u64) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        if let Some(cut) = self.cut_to
            && dice.below(2) == 0
        {
            bytes.truncate(cut);
        }
        if dice.below(10) < kept_tenths && bytes.len() < self.now.len() {
            bytes.resize(self.now.len(), 0);
        }
        for sector in &self.dirty {
            if dice.below(10) < kept_tenths {
                keep(&mut bytes, &self.now, *sector);
            }
        }
        bytes
    }
}

/// Copies one sector, lengthening the target where it ends before.
fn keep(to: &mut Vec<u8>, from: &[u8], sector: u64) {
    let start = usize::try_from(sector.saturating_mul(SECTOR_LEN)).unwrap_or(usize::MAX);
    let end = from.len().min(start.saturating_add(512));
    if start >= end {
        return;
    }
    if to.len() < end {
        to.resize(end, 0);
    }
    if let (Some(to), Some(from)) = (to.get_mut(start..end), from.get(start..end)) {
        to.copy_from_slice(from);
    }
}
