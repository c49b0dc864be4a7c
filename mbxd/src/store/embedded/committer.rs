//! The one thread that writes: drains the queue into groups, one vectored write and one sync each,
//! then the index, then the answers.

use super::error::OpenError;
use super::index::Index;
use super::judge::{Judged, judge};
use super::progress::Progress;
use super::queue::{Linger, Pending, Taken};
use super::record::Record;
use super::shared::Shared;
use super::walk::Position;
use super::writer::{Accepted, TurnError, Writer};
use crate::store::back_end::len_u64;
use crate::store::engine::Committed;
use crate::store::error::CommitError;
use crate::store::report::Health;
use mbx_common::audit::tree::leaf_hash;
use std::io::ErrorKind;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// First pause between two attempts to recover.
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(50);

/// Which part of the last write a group may wait to become as large as the last one, and at most
/// how long.
const LINGER_PART: u32 = 8;
const LINGER_MAX: Duration = Duration::from_millis(1);

/// Most units between two checkpoints, so that small ones too are replayed in about a second.
const CHECKPOINT_UNITS: u64 = 10_000;

/// The committer's state.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) writer: Writer,
    /// Everything up to here is durable, and in the index unless that is in trouble.
    pub(super) progress: Progress,
    checkpointed: Instant,
    bytes_since_checkpoint: u64,
    checkpoint_lsn: u64,
    pub(super) log_failed: bool,
    pub(super) index_failed: bool,
    pub(super) pause: Duration,
    linger: Linger,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, writer: Writer, progress: Progress) -> Self {
        shared.publish(&progress);
        Self {
            checkpoint_lsn: progress.lsn,
            shared,
            writer,
            progress,
            checkpointed: Instant::now(),
            bytes_since_checkpoint: 0,
            log_failed: false,
            index_failed: false,
            pause: PAUSE_MIN,
            linger: Linger::default(),
        }
    }

    /// Works until the queue is closed and empty, then ends in order.
    pub(super) fn run(mut self) {
        let _guard = EndGuard(Arc::clone(&self.shared));
        loop {
            if self.shared.take_index_suspect() && !self.index_failed {
                self.suspect_index();
            }
            if self.log_failed || self.index_failed {
                if !self.recover() {
                    break;
                }
                continue;
            }
            let options = &self.shared.options;
            let wait = options.checkpoint_interval.saturating_sub(self.checkpointed.elapsed());
            let wait = wait.max(Duration::from_millis(1));
            match self.shared.queue.take(options.group_bytes, wait, self.linger) {
                Taken::Units(units) => self.commit(units),
                Taken::Nothing => {}
                Taken::Closed => break,
            }
            self.checkpoint_if_due();
        }
        self.end();
    }

    /// Does one group.
    fn commit(&mut self, units: Vec<Pending>) {
        let (next_lsn, next_leaf) =
            (self.progress.lsn.saturating_add(1), self.progress.tree.size());
        let judged = {
            let guard = self.shared.index().read().unwrap_or_else(PoisonError::into_inner);
            let Some(index) = guard.as_ref() else {
                return refuse(units, &CommitError::Unavailable);
            };
            judge((index, &self.shared.files), next_lsn, next_leaf, units)
        };
        let Judged { accepted, rejected } = match judged {
            Ok(judged) => judged,
            Err((units, error)) => {
                self.fail_index(&error);
                return refuse(units, &CommitError::Unavailable);
            }
        };
        let refusal = if accepted.is_empty() { Ok(()) } else { self.write(accepted) };
        for (unit, error) in rejected {
            // What it found may stand in the group that could not be written.
            unit.answer(Err(refusal.clone().err().unwrap_or(error)));
        }
    }

    /// Writes, syncs, indexes and answers the accepted units of a group.
    fn write(&mut self, accepted: Vec<Accepted>) -> Result<(), CommitError> {
        let durable_lsn = self.progress.lsn;
        let started = Instant::now();
        let written = self.make_room(&accepted).and_then(|()| {
            self.writer.append(&accepted, durable_lsn).map_err(|error| {
                self.fail_log(&error);
                CommitError::Unavailable
            })
        });
        let at = match written {
            Ok(at) => at,
            Err(error) => {
                refuse(accepted.into_iter().map(|accepted| accepted.unit).collect(), &error);
                return Err(error);
            }
        };
        let time = (started.elapsed() / LINGER_PART).min(LINGER_MAX);
        self.linger = Linger { units: accepted.len(), time };
        self.take_in(at, &accepted);
        for Accepted { unit, lsn, leaf } in accepted {
            unit.answer(Ok(Committed { lsn, leaf }));
        }
        Ok(())
    }

    /// Turns to a new segment where the group does not fit.
    fn make_room(&mut self, accepted: &[Accepted]) -> Result<(), CommitError> {
        let len = accepted.iter().map(|accepted| accepted.unit.encoded.len()).sum();
        if self.writer.fits(len) {
            return Ok(());
        }
        match self.writer.turn(&self.progress) {
            Ok(()) => {
                self.progress.position = self.writer.position();
                self.checkpoint();
                Ok(())
            }
            Err(TurnError::NotBegun(OpenError::Io(error)))
                if error.kind() == ErrorKind::StorageFull =>
            {
                Err(CommitError::SpaceLow)
            }
            Err(TurnError::NotBegun(error)) => {
                tracing::error!(%error, "no new segment of the log");
                Err(CommitError::Unavailable)
            }
            Err(TurnError::Half(error)) => {
                self.fail_log(&error);
                Err(CommitError::Unavailable)
            }
        }
    }

    /// Lets the index take in what is durable. Where it fails it is opened anew and takes it in
    /// from the log: the units are done.
    fn take_in(&mut self, records_at: u64, accepted: &[Accepted]) {
        let mut at = Position { offset: records_at, ..self.progress.position };
        let mut records: Vec<(Position, Record<'_>)> = Vec::with_capacity(accepted.len());
        for Accepted { unit, lsn, leaf } in accepted {
            if let Some(record) = unit.encoded.record(*lsn, *leaf) {
                self.progress.tree.push(leaf_hash(record.entry));
                records.push((at, record));
            }
            at.offset = at.offset.saturating_add(unit.encoded.len());
            self.progress.lsn = *lsn;
        }
        let before = self.progress.position;
        self.progress.position = self.writer.position();
        let grown = self.progress.position.offset.saturating_sub(before.offset);
        self.bytes_since_checkpoint = self.bytes_since_checkpoint.saturating_add(grown);
        self.count(accepted, grown);
        let applied = {
            let guard = self.shared.index().read().unwrap_or_else(PoisonError::into_inner);
            guard.as_ref().map(|index| index.take_in(records.into_iter(), &self.progress))
        };
        match applied {
            Some(Ok(())) => self.shared.publish(&self.progress),
            Some(Err(error)) => self.fail_index(&error),
            None => self.index_failed = true,
        }
    }

    fn count(&self, accepted: &[Accepted], grown: u64) {
        let content = accepted.iter().map(|accepted| accepted.unit.encoded.content_bytes());
        let content: u64 = content.sum();
        self.shared.add_used(grown);
        self.shared.count(|stats| {
            stats.units = stats.units.saturating_add(len_u64(accepted.len()));
            stats.groups = stats.groups.saturating_add(1);
            stats.log_bytes = stats.log_bytes.saturating_add(grown);
            stats.content_bytes = stats.content_bytes.saturating_add(content);
        });
    }

    fn checkpoint_if_due(&mut self) {
        let options = &self.shared.options;
        let units = self.progress.lsn.saturating_sub(self.checkpoint_lsn);
        let due = self.bytes_since_checkpoint >= options.checkpoint_bytes
            || units >= CHECKPOINT_UNITS
            || self.checkpointed.elapsed() >= options.checkpoint_interval;
        if due && !self.index_failed {
            if self.bytes_since_checkpoint > 0 {
                self.checkpoint();
            }
            self.checkpointed = Instant::now();
        }
    }

    fn checkpoint(&mut self) {
        let done = {
            let guard = self.shared.index().read().unwrap_or_else(PoisonError::into_inner);
            guard.as_ref().map(|index| index.checkpoint_at(&self.progress))
        };
        self.checkpointed = Instant::now();
        self.bytes_since_checkpoint = 0;
        self.checkpoint_lsn = self.progress.lsn;
        self.shared.count(|stats| stats.checkpoints = stats.checkpoints.saturating_add(1));
        if let Some(Err(error)) = done {
            self.fail_index(&error);
        }
    }

    /// The orderly end: everything answered, the index durable, the log cut to what it holds.
    fn end(mut self) {
        self.shared.queue.close();
        self.shared.queue.refuse_all(&CommitError::Closed);
        if !self.log_failed && !self.index_failed {
            self.checkpoint();
        }
        if !self.log_failed
            && !self.index_failed
            && let Err(error) = self.writer.finish()
        {
            tracing::warn!(%error, "the log could not be closed in order; it is replayed at start");
        }
        if let Some(Err(error)) = self.shared.take_index().map(Index::close) {
            tracing::warn!(error = %error.0, "the index could not be closed in order");
        }
        if self.shared.health() != Health::Damaged {
            self.shared.set_health(Health::Closed);
        }
    }
}

/// Lets nobody wait for a committer that ended by a defect.
struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        if self.0.health() != Health::Closed {
            self.0.set_health(Health::Damaged);
        }
        self.0.queue.close();
        self.0.queue.refuse_all(&CommitError::Closed);
    }
}

fn refuse(units: Vec<Pending>, error: &CommitError) {
    for unit in units {
        unit.answer(Err(error.clone()));
    }
}
