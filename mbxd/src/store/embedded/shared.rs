//! What the committer and the readers share.

use super::files::Files;
use super::index::{self, Index};
use super::options::Options;
use super::progress::Progress;
use super::queue::Queue;
use super::segment;
use crate::store::back_end::BackEnd;
use crate::store::error::ReadError;
use crate::store::report::{Health, Stats};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// State behind every handle on one engine.
pub(super) struct Shared {
    pub(super) back: Arc<dyn BackEnd>,
    pub(super) options: Options,
    pub(super) queue: Queue,
    pub(super) seed: u32,
    /// Away while it is opened anew.
    index: RwLock<Option<Index>>,
    pub(super) files: Files,
    tree: Mutex<(u64, [u8; 32])>,
    health: AtomicU8,
    index_suspect: AtomicBool,
    durable_lsn: AtomicU64,
    /// Bytes of log and index.
    used_bytes: AtomicU64,
    stats: Mutex<Stats>,
}

impl Shared {
    pub(super) fn new(back: Arc<dyn BackEnd>, options: Options, seed: u32, index: Index) -> Self {
        Self {
            files: Files::new(Arc::clone(&back)),
            back,
            queue: Queue::new(options.queue_bytes, options.queue_units),
            options,
            seed,
            index: RwLock::new(Some(index)),
            tree: Mutex::default(),
            health: AtomicU8::new(Health::Serving.number()),
            index_suspect: AtomicBool::new(false),
            durable_lsn: AtomicU64::new(0),
            used_bytes: AtomicU64::new(0),
            stats: Mutex::default(),
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
        // The index's engine trusts the bytes of its file and may panic where they are damaged.
        let found =
            catch_unwind(AssertUnwindSafe(|| read(index))).map_err(|_| ReadError::Damaged)?;
        found.map_err(|error| {
            // It answers nothing more after an error, so the committer opens it anew.
            self.index_suspect.store(true, Ordering::Release);
            self.queue.nudge();
            error.into()
        })
    }

    /// Whether a reader met an error in the index since the last call.
    pub(super) fn take_index_suspect(&self) -> bool {
        self.index_suspect.swap(false, Ordering::AcqRel)
    }

    /// The lock around the index, for the committer alone.
    pub(super) fn index(&self) -> &RwLock<Option<Index>> {
        &self.index
    }

    /// Takes the index away from the readers, who are answered as unavailable until there is one.
    pub(super) fn take_index(&self) -> Option<Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Gives the readers an index.
    pub(super) fn put_index(&self, index: Index) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
    }

    /// Counts the bytes of log and index, `reserve` of the log not being written yet.
    pub(super) fn count_used(&self, reserve: u64) -> io::Result<()> {
        let mut used = self.back.open(index::NAME)?.len()?;
        for name in self.back.list(segment::FOLDER)? {
            let file = self.back.open(&format!("{}/{name}", segment::FOLDER))?;
            used = used.saturating_add(file.len()?);
        }
        self.used_bytes.store(used.saturating_sub(reserve), Ordering::Relaxed);
        Ok(())
    }

    /// Bytes of log and index as last counted, and what was written since.
    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_used(&self, bytes: u64) {
        self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was done since the opening.
    pub(super) fn stats(&self) -> Stats {
        let (waiting_units, waiting_bytes) = self.queue.len();
        let stats = *self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        Stats { waiting_units, waiting_bytes, ..stats }
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Stats)) {
        count(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Last LSN that is durable and in the index.
    pub(super) fn durable_lsn(&self) -> u64 {
        self.durable_lsn.load(Ordering::Acquire)
    }

    /// Size and root of the audit tree, durable.
    pub(super) fn tree(&self) -> (u64, [u8; 32]) {
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets readers see how far the index is.
    pub(super) fn publish(&self, progress: &Progress) {
        let tree = (progress.tree.size(), progress.tree.root());
        *self.tree.lock().unwrap_or_else(PoisonError::into_inner) = tree;
        self.durable_lsn.store(progress.lsn, Ordering::Release);
    }

    pub(super) fn health(&self) -> Health {
        Health::from_number(self.health.load(Ordering::Acquire))
    }

    pub(super) fn set_health(&self, health: Health) {
        self.health.store(health.number(), Ordering::Release);
    }
}
