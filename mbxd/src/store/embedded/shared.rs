//! What the committer and the readers share.

use super::index::{self, Index};
use super::options::Options;
use super::queue::Queue;
use super::segment;
use crate::store::back_end::{BackEnd, BackFile};
use crate::store::engine::{Health, ReadError};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Most segments kept open for reading.
const FILES_MAX: usize = 256;

/// State behind every handle on one engine.
pub(super) struct Shared {
    pub(super) back: Arc<dyn BackEnd>,
    pub(super) options: Options,
    pub(super) queue: Queue,
    pub(super) seed: u32,
    /// Away while it is opened anew.
    index: RwLock<Option<Index>>,
    files: Mutex<BTreeMap<u32, Arc<dyn BackFile>>>,
    tree: Mutex<(u64, [u8; 32])>,
    health: AtomicU8,
    /// Bytes of log and index.
    pub(super) used_bytes: AtomicU64,
}

impl Shared {
    pub(super) fn new(back: Arc<dyn BackEnd>, options: Options, seed: u32, index: Index) -> Self {
        Self {
            back,
            queue: Queue::new(options.queue_bytes, options.queue_units),
            options,
            seed,
            index: RwLock::new(Some(index)),
            files: Mutex::default(),
            tree: Mutex::default(),
            health: AtomicU8::new(Health::Serving.number()),
            used_bytes: AtomicU64::new(0),
        }
    }

    /// Reads in the index; never waits for a sync of the log.
    pub(super) fn with_index<T, E>(
        &self,
        read: impl FnOnce(&Index) -> Result<T, E>,
    ) -> Result<T, ReadError>
    where
        ReadError: From<E>,
    {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let index = index.as_ref().ok_or(ReadError::Unavailable)?;
        Ok(read(index)?)
    }

    /// The lock around the index, for the committer alone.
    pub(super) fn index(&self) -> &RwLock<Option<Index>> {
        &self.index
    }

    /// A segment's file.
    pub(super) fn segment(&self, number: u32) -> io::Result<Arc<dyn BackFile>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = self.back.open(&segment::name(number))?;
        if files.len() >= FILES_MAX {
            files.pop_first();
        }
        files.insert(number, Arc::clone(&file));
        Ok(file)
    }

    /// Counts the bytes of log and index; of the segment in use the reserve too.
    pub(super) fn count_used(&self) -> io::Result<()> {
        let mut used = self.back.open(index::NAME)?.len()?;
        for name in self.back.list(segment::FOLDER)? {
            let file = self.back.open(&format!("{}/{name}", segment::FOLDER))?;
            used = used.saturating_add(file.len()?);
        }
        self.used_bytes.store(used, Ordering::Relaxed);
        Ok(())
    }

    /// Size and root of the audit tree, durable.
    pub(super) fn tree(&self) -> (u64, [u8; 32]) {
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_tree(&self, size: u64, root: [u8; 32]) {
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = (size, root);
    }

    pub(super) fn health(&self) -> Health {
        Health::from_number(self.health.load(Ordering::Acquire))
    }

    pub(super) fn set_health(&self, health: Health) {
        self.health.store(health.number(), Ordering::Release);
    }
}
