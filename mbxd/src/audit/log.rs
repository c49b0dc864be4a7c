//! The handle on the audit log.

use super::error::AuditError;
use super::integrity::Integrity;
use super::row::{CheckpointRow, KEY_PREFIX, size_of};
use super::signing::{CheckpointStatus, Signing};
use crate::clock::Clock;
use crate::hsm::{Custody, KeySpec};
use crate::store::{BadRow, Changes, KeyRange, Row, Store, Table};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::audit::checkpoint::VerifierKey;
use mbx_common::audit::tree::{Tree, leaf_hash};
use mbx_common::audit::{Actor, Event, Fact, Origin, Outcome};
use mbx_common::id::KeyId;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the configuration decides about the log (`[audit]`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Name of the log in checkpoints: no space, no `+`; never changed.
    pub origin: String,
    /// A checkpoint is signed when entries have waited so many milliseconds.
    pub checkpoint_every_ms: u64,
    /// A checkpoint is signed when so many entries have waited.
    pub checkpoint_entries: u64,
}

/// Who signs checkpoints: a token, and questions for the keys that it signs with.
pub struct Signer {
    /// The token.
    pub custody: Arc<dyn Custody>,
    /// The key of purpose `sign` that is active now; `None` while the keys are not open: nothing
    /// is signed then.
    pub key: Box<dyn Fn() -> Option<KeySpec> + Send + Sync>,
    /// Every key of that purpose that this installation has or had, whether or not the token can
    /// be asked; `None` where that cannot be read.
    pub ever: Box<dyn Fn() -> BoxFuture<'static, Option<Vec<KeySpec>>> + Send + Sync>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &(self.key)()).finish_non_exhaustive()
    }
}

/// The audit log of this installation. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) signer: Signer,
    pub(super) clock: Clock,
    pub(super) options: Options,
    pub(super) signing: tokio::sync::Mutex<Signing>,
    pub(super) status: Mutex<CheckpointStatus>,
    integrity: Mutex<Integrity>,
}

impl AuditLog {
    /// Leaves or rows read at a time.
    pub(super) const BATCH: usize = 500;

    /// The log in this store, signed by this signer.
    pub fn new(store: Store, signer: Signer, clock: Clock, options: Options) -> Self {
        Self(Arc::new(Inner {
            store,
            signer,
            clock,
            options,
            signing: tokio::sync::Mutex::default(),
            status: Mutex::default(),
            integrity: Mutex::default(),
        }))
    }

    pub(super) fn key(&self) -> Option<KeySpec> {
        (self.0.signer.key)()
    }

    /// What the self-check knows of the log.
    pub fn integrity(&self) -> Integrity {
        lock(&self.0.integrity).clone()
    }

    pub(super) fn sound(&self, size: u64) {
        let mut integrity = lock(&self.0.integrity);
        // What was violated stays so until somebody has looked and restarted the daemon.
        if !integrity.is_violated() {
            *integrity = Integrity::Sound { at: self.0.clock.now(), size };
        }
    }

    /// Notes that the log is not what was signed, in the log itself the first time.
    pub(super) async fn violated(&self, finding: String) -> Result<(), AuditError> {
        let now = self.0.clock.now();
        {
            let mut integrity = lock(&self.0.integrity);
            if integrity.is_violated() {
                return Ok(());
            }
            *integrity = Integrity::Violated { at: now, finding: finding.clone() };
        }
        tracing::error!(finding, "the audit log failed its self-check");
        let entry = Origin::of(Actor::Daemon)
            .entry(now, Event::IntegrityViolated)
            .outcome(Outcome::Failed)
            .reason(finding);
        self.0.store.commit(Changes::new(), entry).await?;
        Ok(())
    }

    /// Appends the leaves from the tree's size to `until`.
    pub(super) async fn follow(&self, tree: &mut Tree, until: u64) -> Result<(), AuditError> {
        while tree.size() < until {
            for leaf in self.leaves(tree.size(), until).await? {
                tree.push(leaf_hash(&leaf));
            }
        }
        Ok(())
    }

    /// Some leaves from `first` on, at least one, none from `until` on.
    pub(super) async fn leaves(&self, first: u64, until: u64) -> Result<Vec<Bytes>, AuditError> {
        let wanted = usize::try_from(until.saturating_sub(first)).unwrap_or(usize::MAX);
        let leaves = self.0.store.leaves(first, wanted.min(Self::BATCH)).await?;
        if leaves.is_empty() { Err(AuditError::Entry { position: first }) } else { Ok(leaves) }
    }

    /// A page of checkpoint rows of this range of sizes, and where the next page begins.
    pub(super) async fn checkpoints(
        &self,
        range: KeyRange,
        limit: usize,
    ) -> Result<(Vec<(u64, CheckpointRow)>, Option<KeyRange>), AuditError> {
        let page = self.0.store.scan(Table::Checkpoint, range.clone(), limit).await?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, row) in &page.rows {
            rows.push((size_of(key).ok_or(BadRow)?, CheckpointRow::decode(row)?));
        }
        let last = page.rows.last().filter(|_| page.more);
        let next = last.map(|(key, _)| {
            let mut next = range;
            if next.backwards {
                next.until = Some(key.clone());
            } else {
                next.from = [key, &[0][..]].concat().into();
            }
            next
        });
        Ok((rows, next))
    }

    /// Every key that has signed checkpoints, as the store says: whoever can write there can add
    /// one, so the self-check asks the token.
    pub(super) async fn verifier_keys(&self) -> Result<Vec<(KeyId, VerifierKey)>, AuditError> {
        let range = KeyRange::prefix(KEY_PREFIX);
        let page = self.0.store.scan(Table::Meta, range, Self::BATCH).await?;
        let parse = |key: &[u8], row: &[u8]| {
            let id = key.get(KEY_PREFIX.len()..).and_then(KeyId::from_slice)?;
            Some((id, std::str::from_utf8(row).ok()?.parse().ok()?))
        };
        let keys = page.rows.iter().map(|(key, row)| parse(key, row));
        keys.map(|key| key.ok_or(AuditError::Row(BadRow))).collect()
    }

    /// A tree from a frontier stored at `size` or before, else the empty one.
    pub(super) async fn tree_before(&self, size: u64) -> Result<Tree, AuditError> {
        let until = size.checked_add(1).map(|end| Bytes::from(end.to_be_bytes().to_vec()));
        let mut range = Some(KeyRange { from: Bytes::new(), until, backwards: true });
        while let Some(page) = range {
            let (rows, next) = self.checkpoints(page, Self::BATCH).await?;
            for (_, row) in rows {
                if let Some(bytes) = row.frontier {
                    return Tree::from_bytes(&bytes).map_err(|_| AuditError::Row(BadRow));
                }
            }
            range = next;
        }
        Ok(Tree::new())
    }

    /// Records an act of staff on the token, which has no rows of its own that the entry could go
    /// with: *asked* before it is done, so that nothing happens without an entry, then what came
    /// out.
    ///
    /// # Errors
    /// [`AuditError::Commit`]: the act must not be done then.
    pub async fn record_act(
        &self,
        origin: &Origin,
        event: Event,
        outcome: Outcome,
    ) -> Result<(), AuditError> {
        let entry = origin.entry(self.0.clock.now(), event).outcome(outcome);
        self.0.store.commit(Changes::new(), entry).await?;
        Ok(())
    }

    /// Records that the log was read, before anything of it is shown.
    pub(super) async fn record(
        &self,
        origin: &Origin,
        event: Event,
        facts: Vec<Fact>,
    ) -> Result<(), AuditError> {
        let mut entry = origin.entry(self.0.clock.now(), event);
        entry.facts = facts;
        self.0.store.commit(Changes::new(), entry).await?;
        Ok(())
    }
}

/// Locks; a thread that panicked with the lock leaves whole values.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditLog")
    }
}
