//! The room's handle: look up, follow, stop and resume jobs.

use super::error::JobError;
use super::job::{Counts, End, Job, JobKind, JobState, NewJob, Step};
use super::runner::Runner;
use crate::clock::Clock;
use crate::random;
use crate::store::{KeyRange, Row, Store, Table};
use futures_util::FutureExt as _;
use mbx_common::audit::{Actor, Event, Origin, Outcome, Subject};
use mbx_common::error::Kind;
use mbx_common::explain;
use mbx_common::id::JobId;
use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{MutexGuard as Turn, broadcast};
use tokio::task::JoinSet;

/// The jobs of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    runners: Mutex<HashMap<JobKind, Arc<dyn Runner>>>,
    followers: broadcast::Sender<Job>,
    /// How far jobs are beyond their last durable step.
    told: Mutex<HashMap<JobId, Counts>>,
    /// Held from the look for a job like the new one until the new one is durable.
    turn: tokio::sync::Mutex<()>,
    /// The runners at work.
    working: Mutex<JoinSet<()>>,
}

/// Jobs of one list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JobPage {
    /// The newest first.
    pub jobs: Vec<Job>,
    /// How many there are in all.
    pub total: usize,
}

impl Jobs {
    /// Steps that a slow follower may lag behind before it misses some; it reads the row then.
    const FOLLOW_LEN_MAX: usize = 256;
    /// Rows read at a time.
    const SCAN_ROWS: usize = 500;

    /// The jobs in this store.
    pub fn new(store: Store, clock: Clock) -> Self {
        let (followers, _) = broadcast::channel(Self::FOLLOW_LEN_MAX);
        Self(Arc::new(Inner {
            store,
            clock,
            runners: Mutex::default(),
            followers,
            told: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            working: Mutex::default(),
        }))
    }

    /// Names the one who does the jobs of a kind; before [`Jobs::resume`].
    pub fn register(&self, runner: Arc<dyn Runner>) {
        self.runners().insert(runner.kind(), runner);
    }

    /// The turn to begin a job of which there may be one only: hold it from the look for another
    /// until the new one is durable, and two who ask at once do not both find none.
    pub async fn turn(&self) -> Turn<'_, ()> {
        self.0.turn.lock().await
    }

    /// The first step of a new job, for the service to commit with `Event::JobStarted`.
    ///
    /// # Errors
    /// [`JobError::Row`] where the row cannot be written.
    pub fn begin(&self, new: NewJob) -> Result<Step, JobError> {
        self.begin_at(new, Vec::new())
    }

    /// The same, from a cursor that says what is to be done.
    ///
    /// # Errors
    /// [`JobError::Row`] where the row cannot be written or the cursor is over its limit.
    pub fn begin_at(&self, new: NewJob, cursor: Vec<u8>) -> Result<Step, JobError> {
        Job::begin(JobId::from_bytes(random::bytes()), new, cursor, self.0.clock.now())
    }

    /// Tells followers how far a job is, without a step: for work that begins anew after a crash,
    /// so that nothing durable depends on it. [`Jobs::standing`] knows it too.
    pub fn tell(&self, job: &Job, counts: Counts) {
        self.told().insert(job.id, counts);
        let _followers = self.0.followers.send(self.standing(job.clone()));
    }

    /// The job with what was told since its last durable step.
    pub fn standing(&self, job: Job) -> Job {
        match self.told().get(&job.id) {
            Some(&counts) if job.state == JobState::Running => {
                Job { counts, updated: self.0.clock.now(), ..job }
            }
            _ => job,
        }
    }

    /// Tells that the step of this job is durable: followers get it.
    pub fn committed(&self, job: &Job) {
        self.told().remove(&job.id);
        // Nobody following is no error.
        let _followers = self.0.followers.send(job.clone());
    }

    /// Has the registered runner work on the job, if its kind has one. A runner that panics leaves
    /// the job failed; one that [`Jobs::stop`] ends goes on at the next start.
    pub fn start(&self, job: Job) {
        let Some(runner) = self.runners().get(&job.kind).cloned() else { return };
        let (jobs, id) = (self.clone(), job.id);
        let mut working = self.working();
        while working.try_join_next().is_some() {}
        working.spawn(async move {
            let run = AssertUnwindSafe(runner.run(job)).catch_unwind();
            if run.await.is_err() {
                tracing::error!(job = %id, "a job panicked");
                jobs.give_up(id).await;
            }
        });
    }

    /// Ends the runners at work, and waits until they have: nothing of theirs comes after.
    pub async fn stop(&self) {
        let mut working = std::mem::take(&mut *self.working());
        working.shutdown().await;
    }

    async fn give_up(&self, id: JobId) {
        let ended = async {
            let now = self.0.clock.now();
            let step =
                self.get(id).await?.end(End::Failed(explain::generic(Kind::Internal).0), now)?;
            let entry = Origin::of(Actor::Daemon)
                .entry(now, Event::JobEnded)
                .outcome(Outcome::Failed)
                .about(Subject::Job(id));
            self.0.store.commit(step.changes, entry).await?;
            self.committed(&step.job);
            Ok::<_, JobError>(())
        };
        if let Err(error) = ended.await {
            tracing::error!(job = %id, %error, "the job cannot be ended");
        }
    }

    /// Starts every unfinished job whose kind has a runner; returns how many.
    ///
    /// # Errors
    /// [`JobError`] where the rows cannot be read.
    pub async fn resume(&self) -> Result<usize, JobError> {
        let mut count = 0;
        for job in self.all().await? {
            let has_runner = self.runners().contains_key(&job.kind);
            if job.state == JobState::Running && has_runner {
                self.start(job);
                count += 1;
            }
        }
        Ok(count)
    }

    /// One job.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where none has this id.
    pub async fn get(&self, id: JobId) -> Result<Job, JobError> {
        let row = self.0.store.get(Table::Job, id.as_bytes()).await?.ok_or(JobError::Unknown)?;
        Ok(Job::decode(&row)?)
    }

    /// The newest jobs, at most `limit`.
    ///
    /// # Errors
    /// [`JobError`] where the rows cannot be read.
    pub async fn list(&self, limit: usize) -> Result<JobPage, JobError> {
        let mut jobs = self.all().await?;
        let total = jobs.len();
        jobs.sort_by_key(|job| (std::cmp::Reverse(job.started), job.id));
        jobs.truncate(limit);
        Ok(JobPage { jobs, total })
    }

    /// Every step of every job from now on, as it becomes durable. Subscribe, then [`Jobs::get`]:
    /// nothing is missed.
    pub fn follow(&self) -> broadcast::Receiver<Job> {
        self.0.followers.subscribe()
    }

    /// Whether somebody asked the job to stop; runners ask between steps.
    ///
    /// # Errors
    /// [`JobError`] where the row cannot be read.
    pub async fn is_cancelled(&self, id: JobId) -> Result<bool, JobError> {
        self.get(id).await.map(|job| job.cancel_asked)
    }

    /// Asks a job to stop. One that is fed from outside ends at once; a runner's job ends after the
    /// step that it is in.
    ///
    /// # Errors
    /// [`JobError::Ended`] where there is nothing to stop.
    pub async fn cancel(&self, id: JobId, origin: &Origin) -> Result<Job, JobError> {
        let job = self.get(id).await?;
        if job.state != JobState::Running {
            return Err(JobError::Ended);
        }
        let now = self.0.clock.now();
        let has_runner = self.runners().contains_key(&job.kind);
        let (step, event) = if has_runner {
            (job.ask_cancel(now)?, Event::JobProgressed)
        } else {
            (job.end(End::Cancelled, now)?, Event::JobEnded)
        };
        let entry = origin.entry(now, event).about(Subject::Job(id));
        self.0.store.commit(step.changes, entry).await?;
        self.committed(&step.job);
        Ok(step.job)
    }

    async fn all(&self) -> Result<Vec<Job>, JobError> {
        let mut jobs = Vec::new();
        let mut range = KeyRange::all();
        loop {
            let page = self.0.store.scan(Table::Job, range.clone(), Self::SCAN_ROWS).await?;
            for (key, row) in &page.rows {
                jobs.push(Job::decode(row)?);
                range.from = [key, &[0][..]].concat().into();
            }
            if !page.more {
                return Ok(jobs);
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, HashMap<JobId, Counts>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runners(&self) -> MutexGuard<'_, HashMap<JobKind, Arc<dyn Runner>>> {
        self.0.runners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jobs")
    }
}
