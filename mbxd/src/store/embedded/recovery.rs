//! The committer in trouble: what it gives up, and how it comes to write again.

use super::committer::{Committer, PAUSE_MIN};
use super::error::{IndexError, OpenError};
use super::index::Index;
use super::rebuild::{RebuildProgress, chain, make_again};
use super::segment::Segment;
use super::take_in::take_in;
use super::walk::{End, Walk};
use super::{open, segment};
use crate::store::change::Table;
use crate::store::error::CommitError;
use crate::store::report::Health;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

/// Longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl Committer {
    pub(super) fn fail_log(&mut self, error: &io::Error) {
        tracing::error!(%error, "the log could not be written; going on in a new segment");
        self.writer.cut();
        self.log_failed = true;
        self.shared.set_health(Health::Recovering);
    }

    pub(super) fn fail_index(&mut self, error: &IndexError) {
        tracing::error!(error = %error.0, "the index failed; opening it anew");
        self.index_failed = true;
        self.shared.set_health(Health::Recovering);
    }

    /// A reader met an error: the index may have been opened anew since, so it is tried.
    pub(super) fn suspect_index(&mut self) {
        let tried = {
            let guard = self.shared.index().read().unwrap_or_else(PoisonError::into_inner);
            guard.as_ref().map(|index| index.get(Table::Meta, &[]))
        };
        if let Some(Err(error)) = tried {
            self.fail_index(&error);
        }
    }

    /// Tries to serve again; `false` where there is no more to be done.
    pub(super) fn recover(&mut self) -> bool {
        self.shared.queue.refuse_all(&CommitError::Unavailable);
        match self.try_recover() {
            Ok(()) => {
                tracing::info!(lsn = self.progress.lsn, "the store writes again");
                self.pause = PAUSE_MIN;
                self.shared.count(|stats| stats.recoveries = stats.recoveries.saturating_add(1));
                self.shared.set_health(Health::Serving);
                true
            }
            Err(error) if error.passes() => {
                let closed = self.shared.queue.pause(self.pause);
                self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                !closed
            }
            Err(error) => {
                let error = chain(&error);
                tracing::error!(error, "the store is damaged; nothing more is written");
                self.shared.set_health(Health::Damaged);
                self.shared.queue.close();
                false
            }
        }
    }

    fn try_recover(&mut self) -> Result<(), OpenError> {
        if self.log_failed {
            self.writer.turn(&self.progress)?;
            self.progress.position = self.writer.position();
            self.log_failed = false;
        }
        if self.index_failed {
            self.reopen_index()?;
            self.index_failed = false;
        }
        Ok(())
    }

    /// Opens the index anew, or makes it again where it is damaged. Readers are answered meanwhile:
    /// that the store is unavailable.
    fn reopen_index(&mut self) -> Result<(), OpenError> {
        let shared = &self.shared;
        // The old one must be gone first: both would write to one file.
        let damaged = shared.take_index().is_some_and(|index| index.is_damaged());
        let segments = segment::list(&*shared.back)?;
        let caught_up =
            if damaged { Err(OpenError::IndexDamaged(None)) } else { self.catch_up(&segments) };
        let index = match caught_up {
            Err(error) if error.is_of_the_index() => {
                tracing::error!(error = %chain(&error), "making the index again from the log");
                self.make_again(&segments)?;
                self.catch_up(&segments)?
            }
            caught_up => caught_up?,
        };
        shared.put_index(index);
        shared.publish(&self.progress);
        Ok(())
    }

    /// Opens the index and lets it take in the log up to the last durable unit.
    fn catch_up(&self, segments: &[Segment]) -> Result<Index, OpenError> {
        let (back, options) = (&*self.shared.back, &self.shared.options);
        let index = open::open_index(back, options)?.ok_or(OpenError::IndexMissing)?;
        let mut progress = index.progress()?;
        let end = End::At(self.progress.lsn);
        let known = (progress.lsn, progress.tree.size());
        let mut walk = Walk::new(back, segments, progress.position, known, end)?;
        take_in(&mut walk, &index, &mut progress)?;
        if progress.lsn != self.progress.lsn || progress.tree != self.progress.tree {
            return Err(OpenError::IndexDamaged(None));
        }
        progress.position = self.progress.position;
        index.checkpoint_at(&progress)?;
        Ok(index)
    }

    fn make_again(&self, segments: &[Segment]) -> Result<(), OpenError> {
        let mut told = None;
        let mut report = |done: RebuildProgress| {
            if told.replace(done.segments_done) != Some(done.segments_done) {
                let RebuildProgress { segments_done, segments, units } = done;
                tracing::info!(segments_done, segments, units, "making the index again");
            }
        };
        make_again(&*self.shared.back, &self.shared.options, segments, &mut report)
    }
}
