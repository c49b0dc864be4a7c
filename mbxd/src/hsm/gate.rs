//! What the threads of the room share: the bounded queue, and what is known about the token.

use super::attributes::label;
use super::canary::Canaries;
use super::context::TokenFacts;
use super::job::{Job, Reply, Task};
use super::metrics::Counters;
use super::supervisor::Event;
use super::{CustodyError, KeyPurpose, KeySpec, State, Status};
use crate::config::hsm::Hsm;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Jobs that may wait per worker.
const QUEUE_PER_WORKER: usize = 4;

/// What a caller is told to wait where nothing better is known.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Shared by callers, workers and the supervisor.
pub(super) struct Shared {
    pub(super) config: Hsm,
    pub(super) counters: Counters,
    pub(super) canaries: Canaries,
    pub(super) events: Sender<Event>,
    gate: Mutex<Gate>,
    work: Condvar,
    state: watch::Sender<State>,
}

struct Gate {
    state: State,
    since: Instant,
    next_try: Option<Instant>,
    cause: Option<String>,
    epoch: u64,
    facts: TokenFacts,
    expected: Vec<KeySpec>,
    missing: Vec<KeySpec>,
    workers_lost: usize,
    queue: VecDeque<Job>,
    /// Workers that wait for a job.
    waiting: usize,
    last_success: Instant,
}

impl Shared {
    pub(super) fn new(config: Hsm, events: Sender<Event>) -> Self {
        let now = Instant::now();
        let facts = TokenFacts {
            label: config.token_label.clone(),
            serial: config.token_serial.clone(),
            ..TokenFacts::default()
        };
        let gate = Gate {
            state: State::Locked,
            since: now,
            next_try: None,
            cause: None,
            epoch: 0,
            facts,
            expected: Vec::new(),
            missing: Vec::new(),
            workers_lost: 0,
            queue: VecDeque::new(),
            waiting: 0,
            last_success: now,
        };
        Self {
            config,
            counters: Counters::default(),
            canaries: Canaries::default(),
            events,
            gate: Mutex::new(gate),
            work: Condvar::new(),
            state: watch::Sender::new(State::Locked),
        }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// At once, where the state admits none or the queue is full.
    pub(super) fn push(
        &self,
        task: Task,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Result<Reply, CustodyError>>, CustodyError> {
        let mut gate = self.lock();
        if let Some(refusal) = gate.refusal() {
            return Err(refusal);
        }
        if gate.queue.len() >= QUEUE_PER_WORKER * self.config.workers() {
            self.counters.busy();
            return Err(CustodyError::Busy);
        }
        let (reply, receiver) = oneshot::channel();
        gate.queue.push_back(Job { task, deadline, since: Instant::now(), reply });
        self.work.notify_one();
        Ok(receiver)
    }

    /// The next job that is still worth doing; waits for one. `None` where the worker is to stop.
    pub(super) fn next(&self, stop: &AtomicBool) -> Option<Job> {
        let mut gate = self.lock();
        loop {
            if stop.load(Ordering::Acquire) {
                // It may have been woken for a job: somebody else takes that.
                self.work.notify_one();
                return None;
            }
            match gate.queue.pop_front() {
                Some(job) if job.reply.is_closed() => {}
                Some(job) if job.deadline <= Instant::now() => {
                    job.answer(Err(CustodyError::Timeout));
                }
                Some(job) => return Some(job),
                None => {
                    gate.waiting += 1;
                    gate = self.work.wait(gate).unwrap_or_else(PoisonError::into_inner);
                    gate.waiting -= 1;
                }
            }
        }
    }

    /// Puts a job back at the front: whoever took it has no session to do it in.
    pub(super) fn give_back(&self, job: Job) {
        let mut gate = self.lock();
        if let Some(refusal) = gate.refusal() {
            drop(gate);
            return job.answer(Err(refusal));
        }
        gate.queue.push_front(job);
        self.work.notify_one();
    }

    /// Wakes every waiting worker, so that it sees that it is to stop.
    pub(super) fn wake(&self) {
        // Under the lock, so that no worker is between looking at its mark and waiting.
        let _gate = self.lock();
        self.work.notify_all();
    }

    /// The token answers.
    pub(super) fn open(&self, facts: TokenFacts, missing: Vec<KeySpec>, epoch: u64) {
        let mut gate = self.lock();
        gate.facts = facts;
        gate.missing = missing;
        gate.epoch = epoch;
        gate.last_success = Instant::now();
        self.enter(&mut gate, State::Ready, None);
        gate.next_try = None;
    }

    /// The token does not answer, or may not be used: whatever waits is refused.
    pub(super) fn close(&self, state: State, cause: Option<String>, next_try: Option<Instant>) {
        let mut gate = self.lock();
        self.enter(&mut gate, state, cause);
        gate.next_try = next_try;
        let waiting = std::mem::take(&mut gate.queue);
        let refusal =
            gate.refusal().unwrap_or(CustodyError::Unavailable { retry_after: RETRY_AFTER });
        drop(gate);
        for job in waiting {
            job.answer(Err(refusal.clone()));
        }
    }

    /// Whether this would be news: an outage is logged once per cause, not at each attempt.
    pub(super) fn is_news(&self, state: State, cause: &str) -> bool {
        let gate = self.lock();
        gate.state != state || gate.cause.as_deref() != Some(cause)
    }

    fn enter(&self, gate: &mut Gate, state: State, cause: Option<String>) {
        if gate.state != state {
            gate.state = state;
            gate.since = Instant::now();
            self.state.send_replace(state);
        }
        gate.cause = cause;
    }

    /// A worker had an answer from the token.
    pub(super) fn succeeded(&self) {
        self.lock().last_success = Instant::now();
    }

    /// How long the token has been idle.
    pub(super) fn idle(&self) -> Duration {
        self.lock().last_success.elapsed()
    }

    pub(super) fn set_workers_lost(&self, count: usize) {
        self.lock().workers_lost = count;
    }

    pub(super) fn expected(&self) -> Vec<KeySpec> {
        self.lock().expected.clone()
    }

    pub(super) fn expect(&self, keys: Vec<KeySpec>) {
        let mut gate = self.lock();
        gate.missing.retain(|key| keys.contains(key));
        gate.expected = keys;
    }

    pub(super) fn expect_also(&self, key: KeySpec) {
        let mut gate = self.lock();
        if !gate.expected.contains(&key) {
            gate.expected.push(key);
        }
    }

    /// Notes which of the expected keys are not there.
    pub(super) fn set_missing(&self, missing: Vec<KeySpec>) {
        self.lock().missing = missing;
    }

    /// A key that ought to answer a canary; not one of class 3 where there is another, so that the
    /// token's own count of what was opened with those stays telling.
    pub(super) fn any_key(&self) -> Option<KeySpec> {
        let gate = self.lock();
        let there = || gate.expected.iter().filter(|key| !gate.missing.contains(key));
        there().find(|key| key.purpose != KeyPurpose::KekHigh).or_else(|| there().next()).copied()
    }

    /// Whether this key ought to be there.
    pub(super) fn is_expected(&self, key: KeySpec) -> bool {
        self.lock().expected(key).is_some()
    }

    /// Notes whether the token holds an expected key exactly once.
    pub(super) fn note_presence(&self, key: KeySpec, is_there: bool) {
        let mut gate = self.lock();
        let was_there = !gate.missing.iter().any(|other| same(*other, key));
        if is_there == was_there {
            return;
        }
        let Some(expected) = gate.expected(key) else { return };
        if is_there {
            gate.missing.retain(|other| !same(*other, key));
            tracing::info!(key = %key.id, label = label(expected), "HSM key found again");
        } else {
            gate.missing.push(expected);
            tracing::error!(key = %key.id, label = label(expected), "HSM key missing or doubled");
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(super) fn status(&self) -> Status {
        let gate = self.lock();
        Status {
            state: gate.state,
            epoch: gate.epoch,
            token: gate.facts.label.clone(),
            serial: gate.facts.serial.clone(),
            model: gate.facts.model.clone(),
            since: gate.since.elapsed(),
            next_try: gate.next_try.map(|at| at.saturating_duration_since(Instant::now())),
            queue_len: gate.queue.len(),
            workers_lost: gate.workers_lost,
            opened: self.counters.openings(),
            cause: gate.cause.clone(),
            missing: gate.missing.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether both name the same key, whatever version they say.
fn same(one: KeySpec, other: KeySpec) -> bool {
    one.id == other.id && one.purpose == other.purpose
}

impl Gate {
    /// The expected key that this one names.
    fn expected(&self, key: KeySpec) -> Option<KeySpec> {
        self.expected.iter().find(|other| same(**other, key)).copied()
    }

    fn refusal(&self) -> Option<CustodyError> {
        match self.state {
            State::Ready => None,
            State::Locked | State::PinRejected | State::PinLocked => Some(CustodyError::Locked),
            State::PolicyViolated => Some(CustodyError::Policy),
            State::Down => {
                let wait = self.next_try.map(|at| at.saturating_duration_since(Instant::now()));
                let retry_after = wait.unwrap_or_default().max(RETRY_AFTER);
                Some(CustodyError::Unavailable { retry_after })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hsm::Sessions;
    use std::sync::mpsc;

    fn open(sessions: u16) -> Shared {
        let config = Hsm { sessions: Sessions::new(sessions).unwrap(), ..Hsm::default() };
        let shared = Shared::new(config, mpsc::channel().0);
        shared.open(TokenFacts::default(), Vec::new(), 1);
        shared
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[test]
    fn a_job_past_its_deadline_is_answered_and_not_done() {
        let shared = open(1);
        let mut late = shared.push(Task::KeepAlive, Instant::now()).unwrap();
        let _waiting = shared.push(Task::Test, later()).unwrap();
        let next = shared.next(&AtomicBool::new(false)).unwrap();
        assert!(matches!(next.task, Task::Test));
        assert!(matches!(late.try_recv(), Ok(Err(CustodyError::Timeout))));
    }

    #[test]
    fn a_job_whose_caller_went_away_is_not_done() {
        let shared = open(1);
        drop(shared.push(Task::KeepAlive, later()).unwrap());
        let _waiting = shared.push(Task::Test, later()).unwrap();
        let next = shared.next(&AtomicBool::new(false)).unwrap();
        assert!(matches!(next.task, Task::Test));
    }

    #[test]
    fn a_worker_that_is_to_stop_leaves_the_job_it_was_woken_for_to_another() {
        let shared = open(2);
        let [stopped, working] = [AtomicBool::new(false), AtomicBool::new(false)];
        let took = std::thread::scope(|scope| {
            // Whoever waits first is woken first.
            let workers = [&stopped, &working].map(|stop| {
                let before = shared.lock().waiting;
                let worker = scope.spawn(|| shared.next(stop).is_some());
                while shared.lock().waiting == before {
                    std::thread::yield_now();
                }
                worker
            });
            stopped.store(true, Ordering::Release);
            let _job = shared.push(Task::Test, later()).unwrap();
            // Where nobody passes it on, the deadline of the test ends this.
            workers.map(|worker| worker.join().unwrap())
        });
        assert_eq!(took, [false, true]);
    }

    #[test]
    fn the_queue_holds_four_jobs_per_worker_and_refuses_the_next() {
        let shared = open(2);
        let waiting: Vec<_> =
            (0..8).map(|_| shared.push(Task::KeepAlive, later()).unwrap()).collect();
        assert_eq!(shared.push(Task::KeepAlive, later()).err(), Some(CustodyError::Busy));
        assert_eq!(shared.status().queue_len, waiting.len());
    }

    #[test]
    fn whatever_waits_is_refused_at_once_when_the_token_is_lost() {
        let shared = open(1);
        let mut waiting = shared.push(Task::KeepAlive, later()).unwrap();
        let next_try = Instant::now() + Duration::from_secs(2);
        shared.close(State::Down, Some("gone".to_owned()), Some(next_try));
        let Ok(Err(CustodyError::Unavailable { retry_after })) = waiting.try_recv() else {
            panic!("still waiting");
        };
        assert!(retry_after > Duration::from_secs(1), "{retry_after:?}");
        let status = shared.status();
        assert_eq!((status.queue_len, status.cause.as_deref()), (0, Some("gone")));
    }

    #[test]
    fn a_canary_is_not_asked_of_a_class_3_key_where_there_is_another() {
        use mbx_common::id::KeyId;
        let shared = open(1);
        let [high, basic] = [KeyPurpose::KekHigh, KeyPurpose::KekBasic].map(|purpose| KeySpec {
            id: KeyId::from_bytes([1; 16]),
            purpose,
            version: 1,
        });
        shared.expect(vec![high, basic]);
        assert_eq!(shared.any_key(), Some(basic));
        shared.set_missing(vec![basic]);
        assert_eq!(shared.any_key(), Some(high));
    }
}
