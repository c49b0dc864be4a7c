//! Units of work that wait for the committer: bounded in bytes and in number.

use super::record::Encoded;
use crate::store::change::Changes;
use crate::store::engine::Committed;
use crate::store::error::CommitError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// A unit of work on its way to the log.
pub(super) struct Pending {
    pub(super) changes: Changes,
    pub(super) encoded: Encoded,
    pub(super) answer: oneshot::Sender<Result<Committed, CommitError>>,
}

impl Pending {
    /// Answers the caller, who may have gone.
    pub(super) fn answer(self, result: Result<Committed, CommitError>) {
        let _gone = self.answer.send(result);
    }
}

/// How long to wait for a group to fill up, and how far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Linger {
    /// Enough units.
    pub(super) units: usize,
    /// Long enough.
    pub(super) time: Duration,
}

/// What the committer finds.
pub(super) enum Taken {
    /// Units in the order of arrival, at least one.
    Units(Vec<Pending>),
    /// None came in time.
    Nothing,
    /// None is left and none will come.
    Closed,
}

/// The queue.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    bytes_max: u64,
    units_max: usize,
}

#[derive(Default)]
struct Waiting {
    units: VecDeque<Pending>,
    bytes: u64,
    closed: bool,
    nudged: bool,
}

impl Queue {
    pub(super) fn new(bytes_max: u64, units_max: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), bytes_max, units_max }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a unit; where it is not admitted, its answer is the error.
    pub(super) fn push(&self, unit: Pending) {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes.saturating_add(unit.encoded.len());
        let refusal = if waiting.closed {
            Some(CommitError::Closed)
        } else if waiting.units.len() >= self.units_max
            // A unit larger than the whole bound is admitted alone.
            || (bytes > self.bytes_max && !waiting.units.is_empty())
        {
            Some(CommitError::Busy)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            drop(waiting);
            return unit.answer(Err(refusal));
        }
        waiting.bytes = bytes;
        waiting.units.push_back(unit);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Waits for units and takes as many as fit in `bytes`, but at least one.
    ///
    /// Where fewer wait than `linger` says, it waits that little longer: who was answered just now
    /// is about to ask again, and would else miss this group and wait for two syncs.
    pub(super) fn take(&self, bytes: u64, timeout: Duration, linger: Linger) -> Taken {
        let idle =
            |waiting: &mut Waiting| waiting.units.is_empty() && !waiting.closed && !waiting.nudged;
        let waiting = self.changed.wait_timeout_while(self.waiting(), timeout, idle);
        let (mut waiting, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        waiting.nudged = false;
        if (1..linger.units).contains(&waiting.units.len()) && !waiting.closed {
            let few = |waiting: &mut Waiting| {
                waiting.units.len() < linger.units && waiting.bytes < bytes && !waiting.closed
            };
            let lingered = self.changed.wait_timeout_while(waiting, linger.time, few);
            (waiting, _) = lingered.unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken: u64 = 0;
        let mut units = Vec::new();
        while let Some(unit) = waiting.units.front() {
            taken = taken.saturating_add(unit.encoded.len());
            if taken > bytes && !units.is_empty() {
                break;
            }
            units.extend(waiting.units.pop_front());
        }
        let left = waiting.units.iter().map(|unit| unit.encoded.len()).sum();
        waiting.bytes = left;
        match (units.is_empty(), waiting.closed) {
            (false, _) => Taken::Units(units),
            (true, false) => Taken::Nothing,
            (true, true) => Taken::Closed,
        }
    }

    /// How many units wait, and how many bytes they take.
    pub(super) fn len(&self) -> (usize, u64) {
        let waiting = self.waiting();
        (waiting.units.len(), waiting.bytes)
    }

    /// Answers everything that waits with this error.
    pub(super) fn refuse_all(&self, error: &CommitError) {
        let mut waiting = self.waiting();
        waiting.bytes = 0;
        let units = std::mem::take(&mut waiting.units);
        drop(waiting);
        for unit in units {
            unit.answer(Err(error.clone()));
        }
    }

    /// Waits so long, or until the queue is closed; says whether it is.
    pub(super) fn pause(&self, timeout: Duration) -> bool {
        let open = |waiting: &mut Waiting| !waiting.closed;
        let waiting = self.changed.wait_timeout_while(self.waiting(), timeout, open);
        waiting.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Lets the committer look around though nothing came.
    pub(super) fn nudge(&self) {
        self.waiting().nudged = true;
        self.changed.notify_all();
    }

    /// Admits nothing more; what waits is still taken.
    pub(super) fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }
}
