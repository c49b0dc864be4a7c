//! A worker: one thread, one session, one job at a time.

use super::context::Opened;
use super::fault::{Fault, Meaning, guarded};
use super::gate::{RETRY_AFTER, Shared};
use super::job::{Job, Reply, Task};
use super::session::TokenSession;
use super::supervisor::Event;
use super::{CustodyError, KeyPurpose, KeySpec, Sealed, Secret32, canary, probe, sealed};
use cryptoki::error::RvError;
use mbx_common::id::KeyId;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// Between two known-answer operations with a fresh key: some devices first copy it around.
const FRESH_KEY_PAUSE: Duration = Duration::from_millis(100);

/// The supervisor's end of a worker.
pub(super) struct Worker {
    pub(super) id: u64,
    mark: Arc<Mark>,
}

/// What a worker and the supervisor tell each other.
struct Mark {
    stop: AtomicBool,
    /// When the present job should be over; `None` between jobs.
    busy_until: Mutex<Option<Instant>>,
}

impl Worker {
    /// Starts a worker on an open token.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub(super) fn start(id: u64, token: &Opened, shared: &Arc<Shared>) -> io::Result<Self> {
        let mark = Arc::new(Mark { stop: AtomicBool::new(false), busy_until: Mutex::new(None) });
        let session = TokenSession::new(token.module.clone(), token.slot);
        let work = Work { id, session, shared: Arc::clone(shared), mark: Arc::clone(&mark) };
        thread::Builder::new().name(format!("hsm-worker-{id}")).spawn(move || work.run())?;
        Ok(Self { id, mark })
    }

    /// Asks the worker to end after its present job.
    pub(super) fn stop(&self) {
        self.mark.stop.store(true, Ordering::Release);
    }

    /// Whether it has been asked to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.mark.stop.load(Ordering::Acquire)
    }

    /// Whether its job should have been over by now: the token does not let it go.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let until = *self.mark.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| until <= now)
    }
}

struct Work {
    id: u64,
    session: TokenSession,
    shared: Arc<Shared>,
    mark: Arc<Mark>,
}

impl Drop for Work {
    /// Also after a panic, so that the supervisor never waits for a thread that is gone.
    fn drop(&mut self) {
        self.session.discard();
        drop(self.shared.events.send(Event::Gone { worker: self.id }));
    }
}

impl Work {
    fn run(mut self) {
        let patience = self.shared.config.deadline.duration();
        while let Some(job) = self.shared.next(&self.mark.stop) {
            self.busy_until(Some(due(job.deadline, Instant::now() + patience)));
            if self.is_crowded_out() {
                self.busy_until(None);
                return self.shared.give_back(job);
            }
            let outcome = self.perform(&job.task, job.deadline);
            self.busy_until(None);
            self.count(&job, &outcome);
            job.answer(outcome);
        }
    }

    /// Whether the token admits no further session while it serves others of ours: the job is
    /// theirs then, and the supervisor tries again with a new worker.
    fn is_crowded_out(&mut self) -> bool {
        let Err(fault) = guarded(|| self.session.raw().map(|_| ())) else { return false };
        let patience = self.shared.config.deadline.duration();
        fault.is(RvError::SessionCount) && self.shared.idle() < patience
    }

    fn busy_until(&self, until: Option<Instant>) {
        *self.mark.busy_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn count(&self, job: &Job, outcome: &Result<Reply, CustodyError>) {
        let presence = match outcome {
            Ok(_) => Some(true),
            Err(CustodyError::UnknownKey) => Some(false),
            Err(_) => None,
        };
        if let (Some(key), Some(is_there)) = (job.task.key(), presence) {
            self.shared.note_presence(key, is_there);
        }
        if outcome.is_ok() {
            self.shared.succeeded();
            if let Some(operation) = job.task.operation() {
                self.shared.counters.took(operation, job.since.elapsed());
            }
        }
        match (&job.task, outcome) {
            (Task::Open { key, .. }, Ok(_)) => self.shared.counters.opened(key.purpose),
            (_, Err(CustodyError::Tampered)) => self.shared.counters.tampered(),
            _ => {}
        }
    }

    /// Does a task; after a fault finds out what it means and, where that can help, does it once
    /// more in a new session.
    fn perform(&mut self, task: &Task, deadline: Instant) -> Result<Reply, CustodyError> {
        let mut again = true;
        loop {
            let fault = match guarded(|| self.attempt(task, deadline)) {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            self.shared.counters.failed(fault.code());
            tracing::debug!(%fault, "HSM call");
            self.session.discard();
            if deadline <= Instant::now() {
                return Err(CustodyError::Timeout);
            }
            match fault.meaning() {
                Meaning::Record => return Err(CustodyError::Tampered),
                Meaning::Policy => return Err(self.violated(&fault)),
                Meaning::Key if self.answers(None) => return Err(CustodyError::UnknownKey),
                Meaning::Ambiguous if self.answers(self.concerned(task)) => {
                    if matches!(task, Task::Open { .. }) {
                        return Err(CustodyError::Tampered);
                    }
                    if !again {
                        return Err(CustodyError::Unavailable { retry_after: RETRY_AFTER });
                    }
                }
                Meaning::Session if again => {}
                Meaning::Session
                | Meaning::Key
                | Meaning::Ambiguous
                | Meaning::PinRejected
                | Meaning::PinLocked => return Err(self.broken(&fault)),
            }
            again = false;
        }
    }

    fn attempt(&mut self, task: &Task, deadline: Instant) -> Result<Reply, Fault> {
        let session = &mut self.session;
        Ok(match task {
            Task::Seal { key, secret } => Reply::Sealed(seal(session, *key, secret)?),
            Task::Open { key, sealed } => {
                let blob = sealed::decode(sealed, key.purpose).map_err(|_| Fault::Answer)?;
                Reply::Secret(session.open(*key, &blob)?)
            }
            Task::Sign { key, message } => {
                Reply::Signature(canary::sign_proven(session, *key, message)?)
            }
            Task::Public { key } => Reply::Public(session.public(*key)?),
            Task::Generate { key } => {
                self.generate(*key, deadline)?;
                Reply::Done
            }
            Task::Examine { keys } => Reply::Missing(self.examine(keys)?),
            Task::KeepAlive => {
                if let Some(key) = self.shared.any_key() {
                    self.shared.canaries.ask(session, key)?;
                }
                Reply::Done
            }
            Task::Test => Reply::Sheet(Box::new(probe::run(session)?)),
        })
    }

    /// Makes a key and proves it in a new session; some devices need a moment before it works
    /// there.
    fn generate(&mut self, key: KeySpec, deadline: Instant) -> Result<(), Fault> {
        self.session.generate(key)?;
        self.flush();
        loop {
            self.session.discard();
            match self.shared.canaries.ask(&mut self.session, key) {
                Ok(()) => break,
                Err(fault @ Fault::Violated(_)) => return Err(fault),
                Err(fault) if Instant::now() + FRESH_KEY_PAUSE >= deadline => return Err(fault),
                Err(_) => thread::sleep(FRESH_KEY_PAUSE),
            }
        }
        self.shared.expect_also(key);
        Ok(())
    }

    /// A token that is software may write in place and never sync: a power cut would tear a
    /// fresh key.
    fn flush(&self) {
        let Some(dir) = &self.shared.config.soft_token_dir else { return };
        let synced = std::fs::File::open(dir).and_then(|dir| Ok(rustix::fs::syncfs(dir)?));
        if let Err(error) = synced {
            tracing::warn!(%error, "the token's folder cannot be flushed");
        }
    }

    fn examine(&mut self, keys: &[KeySpec]) -> Result<Vec<KeySpec>, Fault> {
        let mut missing = Vec::new();
        for key in keys {
            match self.shared.canaries.ask(&mut self.session, *key) {
                Ok(()) => {}
                Err(fault) if fault.meaning() == Meaning::Key => missing.push(*key),
                Err(fault) => return Err(fault),
            }
        }
        Ok(missing)
    }

    /// The key that a task is about, where a canary can be asked of it.
    fn concerned(&self, task: &Task) -> Option<KeySpec> {
        let asked = match task {
            Task::Seal { .. } | Task::Open { .. } | Task::Sign { .. } => task.key(),
            Task::Public { .. }
            | Task::Generate { .. }
            | Task::Examine { .. }
            | Task::KeepAlive
            | Task::Test => None,
        };
        asked.filter(|key| self.shared.is_expected(*key))
    }

    /// Whether the token answers a known-answer operation in a new session: with this key, else
    /// with any. Where no key is known yet, whether it lets itself be searched.
    fn answers(&mut self, key: Option<KeySpec>) -> bool {
        let session = &mut self.session;
        let outcome = guarded(|| match key.or_else(|| self.shared.any_key()) {
            Some(key) => self.shared.canaries.ask(session, key),
            None => search_anything(session),
        });
        if let Err(fault) = &outcome {
            self.shared.counters.failed(fault.code());
        }
        if outcome.is_err() {
            session.discard();
        }
        outcome.is_ok()
    }

    fn broken(&self, fault: &Fault) -> CustodyError {
        let event = Event::Broken { worker: self.id, cause: fault.to_string() };
        drop(self.shared.events.send(event));
        CustodyError::Unavailable { retry_after: RETRY_AFTER }
    }

    fn violated(&self, fault: &Fault) -> CustodyError {
        let event = Event::Violated { worker: self.id, cause: fault.to_string() };
        drop(self.shared.events.send(event));
        CustodyError::Policy
    }
}

/// When a job should be over: by its deadline, but one that waited long is given as long as
/// another, so that a token with much to do is not taken for one that hangs.
fn due(deadline: Instant, patience_ends: Instant) -> Instant {
    deadline.max(patience_ends)
}

/// Seals, and gives out only what opens again: what was sealed wrong would be lost for ever.
fn seal(session: &mut TokenSession, key: KeySpec, secret: &Secret32) -> Result<Sealed, Fault> {
    let sealed = session.seal(key, secret)?;
    let blob = sealed::decode(&sealed, key.purpose).map_err(|_| Fault::Answer)?;
    let opened = session.open(key, &blob).map_err(|fault| match fault.meaning() {
        // No record that was given to us is to blame.
        Meaning::Record => Fault::Answer,
        Meaning::Session
        | Meaning::Ambiguous
        | Meaning::Key
        | Meaning::Policy
        | Meaning::PinRejected
        | Meaning::PinLocked => fault,
    })?;
    let is_same: bool = opened.expose().ct_eq(secret.expose()).into();
    if is_same { Ok(sealed) } else { Err(Fault::Answer) }
}

fn search_anything(session: &mut TokenSession) -> Result<(), Fault> {
    let nobody =
        KeySpec { id: KeyId::from_bytes([0; 16]), purpose: KeyPurpose::KekBasic, version: 0 };
    match session.handle(nobody) {
        Ok(_) | Err(Fault::Absent) => Ok(()),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_waited_long_does_not_make_its_worker_a_lost_one() {
        let begun = Instant::now();
        let patience = Duration::from_secs(5);
        let waited = begun + Duration::from_millis(10);
        assert_eq!(due(waited, begun + patience), begun + patience);
        let long = begun + Duration::from_secs(30);
        assert_eq!(due(long, begun + patience), long);
    }
}
