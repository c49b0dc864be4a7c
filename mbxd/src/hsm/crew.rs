//! The workers of the present epoch, and those that the token does not let go.

use super::context::Opened;
use super::gate::Shared;
use super::worker::Worker;
use std::sync::Arc;
use std::time::Instant;

/// Sessions that the room needs besides the workers': the anchor's, and one to examine keys in.
const SESSIONS_APART: usize = 2;

/// Every worker thread that has not ended.
pub(super) struct Crew {
    shared: Arc<Shared>,
    /// What new workers work on; `None` while the token does not answer.
    token: Option<Opened>,
    workers: Vec<Worker>,
    started: u64,
}

impl Crew {
    /// Nobody works yet.
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, token: None, workers: Vec::new(), started: 0 }
    }

    /// Puts workers on an open token.
    pub(super) fn begin(&mut self, token: Opened) {
        self.token = Some(token);
        let wanted = self.wanted();
        if wanted < self.shared.config.workers() {
            tracing::warn!(sessions = wanted, "the HSM admits fewer sessions than are configured");
        }
        self.staff();
    }

    /// Lets every worker go after its present job.
    pub(super) fn release(&mut self) {
        self.token = None;
        self.workers.iter().for_each(Worker::stop);
        self.shared.wake();
    }

    /// Gives up workers that the token does not let go, and replaces them. Tells whether anybody
    /// works still.
    pub(super) fn watch(&mut self, now: Instant) -> bool {
        for worker in self.workers.iter().filter(|w| !w.is_stopping() && w.is_overdue(now)) {
            tracing::warn!(worker = worker.id, "HSM call does not return");
            worker.stop();
            // It may have finished just now, and wait for a job that it may not take.
            self.shared.wake();
        }
        self.staff();
        self.working() > 0
    }

    /// A worker has ended.
    pub(super) fn gone(&mut self, id: u64) {
        self.workers.retain(|worker| worker.id != id);
    }

    /// Whether this worker is one that has not been asked to end.
    pub(super) fn has(&self, id: u64) -> bool {
        self.workers.iter().any(|worker| worker.id == id && !worker.is_stopping())
    }

    /// Whether every thread has ended: no call into the module is under way, no session open.
    pub(super) fn is_gone(&self) -> bool {
        self.workers.is_empty()
    }

    /// Whether so many threads hang that no further one is started.
    pub(super) fn is_exhausted(&self) -> bool {
        self.workers.len() >= 2 * self.wanted()
    }

    /// Threads whose job should have been over by now.
    pub(super) fn lost(&self, now: Instant) -> usize {
        self.workers.iter().filter(|worker| worker.is_overdue(now)).count()
    }

    fn working(&self) -> usize {
        self.workers.iter().filter(|worker| !worker.is_stopping()).count()
    }

    /// How many ought to work: as configured, as far as the token has sessions.
    fn wanted(&self) -> usize {
        let configured = self.shared.config.workers();
        let admitted = self.token.as_ref().and_then(|token| token.facts.sessions_max);
        admitted.map_or(configured, |max| configured.min(max.saturating_sub(SESSIONS_APART)).max(1))
    }

    /// Starts workers until there are enough, or twice as many threads in all.
    fn staff(&mut self) {
        while self.working() < self.wanted() && !self.is_exhausted() {
            let Some(token) = &self.token else { return };
            match Worker::start(self.started, token, &self.shared) {
                Ok(worker) => self.workers.push(worker),
                Err(error) => return tracing::error!(%error, "no thread for an HSM session"),
            }
            self.started += 1;
        }
    }
}
