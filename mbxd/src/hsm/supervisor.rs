//! The supervisor: opens the token, watches the workers, holds the breaker.
//!
//! It never calls into the module itself, so that no vendor's hang can stop it: opening and
//! closing run in a thread of their own, which has the [`Context`] for that time.

use super::attributes::label;
use super::context::{Context, OpenError, Opened, Opening};
use super::crew::Crew;
use super::fault::guarded;
use super::gate::Shared;
use super::job::{Reply, Task};
use super::lend::{Run, lend};
use super::pin::RejectedPin;
use super::pins::{Given, Pins};
use super::{CustodyError, State};
use crate::random;
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// First wait before the token is opened anew.
const BACKOFF_MIN: Duration = Duration::from_millis(250);

/// Longest wait, jitter apart: readers are back within 5 seconds of the repair, on a busy machine
/// too.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Wait before keys that violated the policy are looked at again.
const POLICY_RETRY: Duration = Duration::from_mins(1);

/// How often the supervisor looks at its workers when nothing happens.
const WATCH: Duration = Duration::from_secs(1);

/// How long a stop waits for calls under way.
pub(super) const STOP_WAIT: Duration = Duration::from_secs(2);

/// What the supervisor is told.
pub(super) enum Event {
    /// A PIN from a person.
    Unlock(Given),
    /// Forget the PIN.
    Lock { reply: oneshot::Sender<()> },
    /// The token was opened, or not.
    Opened { context: Box<Context>, fresh: bool, outcome: Result<Opened, OpenError> },
    /// The module was closed.
    Closed { context: Box<Context> },
    /// A worker's canary failed.
    Broken { worker: u64, cause: String },
    /// A worker met a key that the policy forbids.
    Violated { worker: u64, cause: String },
    /// A caller waited in vain.
    Overdue,
    /// A worker ended.
    Gone { worker: u64 },
    /// The daemon ends.
    Stop { reply: oneshot::Sender<()> },
}

pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) events: Receiver<Event>,
    pub(super) development: bool,
    pub(super) rejected: Arc<RejectedPin>,
    /// `None` while another thread has it.
    context: Option<Box<Context>>,
    pins: Pins,
    phase: Phase,
    epoch: u64,
    backoff: Duration,
    crew: Crew,
    keep_alive: Option<oneshot::Receiver<Result<Reply, CustodyError>>>,
    /// The module is to be closed as soon as nobody uses it.
    close_wanted: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Locked or latched: nothing is tried by itself.
    Closed,
    /// The next attempt is due then.
    Waiting { until: Instant },
    /// A thread opens the token.
    Opening,
    /// The token answers.
    Ready,
}

impl Supervisor {
    /// A supervisor that opens the token at once where it has a PIN.
    pub(super) fn new(
        shared: Arc<Shared>,
        events: Receiver<Event>,
        pin: Option<SecretString>,
        rejected: RejectedPin,
        development: bool,
    ) -> Self {
        let now = Instant::now();
        let crew = Crew::new(Arc::clone(&shared));
        let phase = if pin.is_some() {
            shared.close(State::Down, Some("the token is being opened".to_owned()), Some(now));
            Phase::Waiting { until: now }
        } else {
            Phase::Closed
        };
        Self {
            shared,
            events,
            development,
            rejected: Arc::new(rejected),
            context: Some(Box::new(Context::new())),
            pins: Pins::new(pin),
            phase,
            epoch: 0,
            backoff: BACKOFF_MIN,
            crew,
            keep_alive: None,
            close_wanted: false,
        }
    }

    /// Runs until it is told to stop, or nobody is left who could tell it.
    pub(super) fn run(mut self) {
        loop {
            self.tick();
            match self.events.recv_timeout(self.patience()) {
                Ok(Event::Stop { reply }) => {
                    self.shut_down();
                    let _ = reply.send(());
                    return;
                }
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.shut_down(),
            }
        }
    }

    fn patience(&self) -> Duration {
        match self.phase {
            Phase::Waiting { until } => until.saturating_duration_since(Instant::now()),
            Phase::Ready => WATCH,
            Phase::Closed if self.close_wanted => WATCH,
            Phase::Closed | Phase::Opening => Duration::from_hours(1),
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Unlock(given) => self.unlock(given),
            Event::Lock { reply } => {
                self.lock();
                let _ = reply.send(());
            }
            Event::Opened { context, fresh, outcome } => {
                self.context = Some(context);
                self.opened(fresh, outcome);
            }
            Event::Closed { context } => self.context = Some(context),
            Event::Broken { worker, cause } if self.is_working(worker) => {
                tracing::error!(cause, "HSM lost");
                self.backoff = BACKOFF_MIN;
                self.fall(State::Down, cause);
            }
            Event::Violated { worker, cause } if self.is_working(worker) => {
                tracing::error!(cause, "HSM key violates the policy");
                self.fall(State::PolicyViolated, cause);
            }
            Event::Gone { worker } => self.crew.gone(worker),
            Event::Broken { .. } | Event::Violated { .. } | Event::Overdue | Event::Stop { .. } => {
            }
        }
    }

    fn is_working(&self, worker: u64) -> bool {
        self.phase == Phase::Ready && self.crew.has(worker)
    }

    /// Does what is due.
    fn tick(&mut self) {
        let now = Instant::now();
        // Before the state may change for it: whoever sees that sees the count too.
        self.shared.set_workers_lost(self.crew.lost(now));
        match self.phase {
            Phase::Waiting { until } if until <= now => self.try_opening(now),
            Phase::Ready => self.watch(now),
            Phase::Closed if self.close_wanted && self.crew.is_gone() => self.close_module(),
            Phase::Closed | Phase::Opening | Phase::Waiting { .. } => {}
        }
    }

    /// Looks after the workers, and keeps an idle token awake.
    fn watch(&mut self, now: Instant) {
        if !self.crew.watch(now) {
            self.fall(State::Down, "no call into the module returns".to_owned());
        } else if self.keep_alive.as_mut().is_some_and(|reply| reply.try_recv().is_ok()) {
            self.keep_alive = None;
        } else if self.shared.idle() >= self.shared.config.keep_alive.duration() {
            let deadline = now + self.shared.config.deadline.duration();
            self.keep_alive = self.shared.push(Task::KeepAlive, deadline).ok();
        }
    }

    /// Opens the token in a thread of its own: anew where no call is under way, else by asking it
    /// again as it is.
    fn try_opening(&mut self, now: Instant) {
        let (Some(pin), false) = (self.pins.in_use().cloned(), self.crew.is_exhausted()) else {
            return self.wait(State::Down, "calls into the module do not return".to_owned(), now);
        };
        let Some(context) = self.context.take() else {
            return self.wait(State::Down, "opening the token does not return".to_owned(), now);
        };
        let fresh = self.crew.is_gone();
        let by_hand = self.pins.is_by_hand();
        let (shared, rejected) = (Arc::clone(&self.shared), Arc::clone(&self.rejected));
        let development = self.development;
        self.close_wanted = false;
        self.phase = Phase::Opening;
        self.lend("hsm-opener", context, move |mut context| {
            let expected = shared.expected();
            let opening = Opening {
                config: &shared.config,
                development,
                pin: &pin,
                by_hand,
                rejected: &rejected,
                expected: &expected,
                canaries: &shared.canaries,
            };
            let outcome =
                guarded(|| if fresh { context.open(&opening) } else { context.ask(&opening) });
            drop(shared.events.send(Event::Opened { context, fresh, outcome }));
        });
    }

    /// Has a thread of its own work with the context; without a thread, the context is ours again.
    fn lend(
        &mut self,
        name: &str,
        context: Box<Context>,
        work: impl FnOnce(Box<Context>) + Send + 'static,
    ) {
        let spawn = |run: Run| thread::Builder::new().name(name.to_owned()).spawn(run).map(drop);
        if let Err((context, error)) = lend(context, spawn, work) {
            tracing::error!(%error, "no thread for the HSM");
            self.context = Some(context);
            self.no_thread();
        }
    }

    /// What was to be done is tried again later.
    fn no_thread(&mut self) {
        match self.phase {
            Phase::Closed => self.close_wanted = true,
            Phase::Waiting { .. } | Phase::Opening | Phase::Ready => {
                self.wait(State::Down, "no thread can be started".to_owned(), Instant::now());
            }
        }
    }

    fn opened(&mut self, fresh: bool, outcome: Result<Opened, OpenError>) {
        if self.phase != Phase::Opening {
            // Locked meanwhile.
            self.close_wanted = true;
            return;
        }
        match outcome {
            Ok(token) => {
                self.epoch += u64::from(fresh);
                if fresh {
                    // Only a fresh opening logs in.
                    self.pins.accept();
                }
                self.backoff = BACKOFF_MIN;
                self.phase = Phase::Ready;
                self.shared.open(token.facts.clone(), token.missing.clone(), self.epoch);
                tracing::info!(epoch = self.epoch, model = token.facts.model, "HSM open");
                for key in &token.missing {
                    tracing::error!(key = %key.id, label = label(*key), "HSM key missing or doubled");
                }
                self.crew.begin(token);
                self.pins.answer(Ok(()));
            }
            Err(error) => {
                let state = error.state();
                let cause = error.to_string();
                if self.shared.is_news(state, &cause) {
                    tracing::warn!(?state, cause, "HSM does not open");
                }
                if !(error.leaves_tries() && self.fall_back()) {
                    self.stay_closed(state, cause);
                }
                let refusal = match state {
                    State::PinRejected => CustodyError::PinRejected,
                    State::PinLocked => CustodyError::PinLocked,
                    State::PolicyViolated => CustodyError::Policy,
                    State::Ready | State::Locked | State::Down => {
                        CustodyError::Unavailable { retry_after: self.backoff }
                    }
                };
                self.pins.answer(Err(refusal));
            }
        }
        self.unlock_next();
    }

    /// Goes back to the PIN that the token took last, where the refused one is another.
    fn fall_back(&mut self) -> bool {
        if !self.pins.fall_back() {
            return false;
        }
        tracing::warn!(
            "the HSM refused the PIN given by hand; the one it took before is used again"
        );
        let cause = "the PIN given by hand was refused; the former one is used".to_owned();
        self.wait(State::Down, cause, Instant::now());
        true
    }

    fn stay_closed(&mut self, state: State, cause: String) {
        match state {
            State::PinRejected | State::PinLocked | State::Locked => {
                self.pins.forget();
                self.phase = Phase::Closed;
                self.close_wanted = true;
                self.shared.close(state, Some(cause), None);
            }
            State::Down | State::PolicyViolated | State::Ready => {
                self.wait(state, cause, Instant::now());
            }
        }
    }

    /// Opens the breaker: refuses whatever waits, lets the workers go, tries again later.
    fn fall(&mut self, state: State, cause: String) {
        self.keep_alive = None;
        self.crew.release();
        self.wait(state, cause, Instant::now());
    }

    fn wait(&mut self, state: State, cause: String, now: Instant) {
        let pause = if state == State::PolicyViolated { POLICY_RETRY } else { self.backoff };
        let until = now + pause + jitter(pause);
        self.backoff = (2 * self.backoff).min(BACKOFF_MAX);
        self.phase = Phase::Waiting { until };
        self.shared.close(state, Some(cause), Some(until));
    }

    /// Tries a PIN that a person gave, and tells nobody that one is right which was not tried.
    fn unlock(&mut self, given: Given) {
        match self.phase {
            Phase::Ready => given.answer(Err(CustodyError::OpenAlready)),
            Phase::Opening => self.pins.queue(given),
            Phase::Closed | Phase::Waiting { .. } => {
                let replaced = CustodyError::Unavailable { retry_after: self.backoff };
                self.pins.put_in_use(given, replaced);
                let now = Instant::now();
                self.backoff = BACKOFF_MIN;
                self.phase = Phase::Waiting { until: now };
                let cause = "the token is being opened".to_owned();
                self.shared.close(State::Down, Some(cause), Some(now));
            }
        }
    }

    /// Sees to the PINs that were given while an opening was under way.
    fn unlock_next(&mut self) {
        while self.phase != Phase::Opening
            && let Some(given) = self.pins.next_queued()
        {
            self.unlock(given);
        }
    }

    fn lock(&mut self) {
        self.phase = Phase::Closed;
        self.close_wanted = true;
        self.shared.close(State::Locked, None, None);
        self.keep_alive = None;
        self.crew.release();
        self.pins.lock();
    }

    fn close_module(&mut self) {
        let Some(context) = self.context.take() else { return };
        self.close_wanted = false;
        let events = self.shared.events.clone();
        self.lend("hsm-closer", context, move |mut context| {
            if let Err(fault) = guarded(|| context.close()) {
                tracing::debug!(%fault, "the module does not finalize");
            }
            drop(events.send(Event::Closed { context }));
        });
    }

    /// Lets the workers end and finalizes the module, unless a call does not return.
    fn shut_down(&mut self) {
        self.lock();
        let end = Instant::now() + STOP_WAIT;
        while !self.crew.is_gone() || self.context.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Opened { context, .. } | Event::Closed { context }) => {
                    self.context = Some(context);
                }
                Ok(Event::Gone { worker }) => self.crew.gone(worker),
                Ok(_) => {}
                Err(_) => return tracing::warn!("an HSM call does not return; ending without it"),
            }
        }
        if let Some(context) = &mut self.context
            && let Err(fault) = guarded(|| context.close())
        {
            tracing::debug!(%fault, "the module does not finalize");
        }
    }
}

/// Up to a fifth, so that several installations on one device do not come back at once.
fn jitter(pause: Duration) -> Duration {
    let [random] = random::bytes();
    pause / 5 * u32::from(random) / 255
}
