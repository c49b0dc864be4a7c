//! How far a verification is.

use super::finding::VerifyError;
use crate::jobs::{Counts, Job, Jobs};
use std::sync::atomic::{AtomicU64, Ordering};

/// In how many steps a verification tells how far it is, at most.
const STEPS: u64 = 200;

/// Rows and entries looked at so far; followers of the job are told now and then.
pub(in crate::mailbox) struct Progress<'a> {
    job: Option<(&'a Jobs, &'a Job)>,
    total: u64,
    done: AtomicU64,
    told: AtomicU64,
}

impl<'a> Progress<'a> {
    /// Nobody is told.
    #[cfg(test)]
    pub(in crate::mailbox) const fn silent() -> Self {
        Self { job: None, total: 0, done: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// Followers of this job are told; `total` rows and entries are expected.
    pub(super) const fn of(jobs: &'a Jobs, job: &'a Job, total: u64) -> Self {
        Self { job: Some((jobs, job)), total, done: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// Counts what was looked at.
    ///
    /// # Errors
    /// [`VerifyError::Cancelled`] where somebody asked the job to stop.
    pub(super) async fn step(&self, rows: usize) -> Result<(), VerifyError> {
        let Some((jobs, job)) = self.job else { return Ok(()) };
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let done = self.done.fetch_add(rows, Ordering::Relaxed).saturating_add(rows);
        let told = self.told.load(Ordering::Relaxed);
        if done.saturating_sub(told) * STEPS < self.total && told > 0 {
            return Ok(());
        }
        self.told.store(done, Ordering::Relaxed);
        jobs.tell(job, self.counts(0));
        if jobs.is_cancelled(job.id).await? { Err(VerifyError::Cancelled) } else { Ok(()) }
    }

    /// The counts of the job, with so many faults. What came meanwhile is counted too, so that the
    /// work never seems to be more than whole.
    pub(super) fn counts(&self, faults: u64) -> Counts {
        let done = self.done.load(Ordering::Relaxed);
        Counts { done, total: Some(self.total.max(done)), refused: faults }
    }
}
