//! A file of registrations, in batches: a job that keeps the file's hash and a cursor, never
//! numbers.

use super::register::{RegisterError, Registration, Sound, Unit, already_registered};
use crate::jobs::{Counts, End, Job, JobError, JobKind, JobState, NewJob};
use crate::mailbox::service::Mailboxes;
use crate::store::{Changes, CommitError, Table};
use mbx_common::audit::{Actor, Event, Fact, Origin, Subject};
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::id::JobId;
use mbx_common::limit::REGISTER_BATCH_ROWS_MAX;
use std::collections::HashSet;

/// How often a batch is tried anew because others registered at the same time.
const ATTEMPTS_MAX: usize = 5;

/// Some rows of a file.
#[derive(Debug)]
pub struct FileBatch {
    /// SHA-256 of the whole file: names the job.
    pub file_sha256: [u8; 32],
    /// Rows in the whole file.
    pub rows_total: u64,
    /// Number of the first row in this batch, from 0.
    pub first_row: u64,
    /// The rows, at most [`REGISTER_BATCH_ROWS_MAX`]; a row that the edge could not read stands as
    /// its code. None: asks where the job stands.
    pub rows: Vec<Result<Registration, Code>>,
}

/// What became of a batch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BatchDone {
    /// The job.
    pub job: JobId,
    /// The row that is expected next.
    pub next_row: u64,
    /// Rows registered so far by this job.
    pub registered: u64,
    /// Rows of this batch that were not registered.
    pub refused: Vec<RefusedRow>,
    /// Whether the whole file was taken.
    pub finished: bool,
}

/// A row that was not registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefusedRow {
    /// Its number in the file, from 0.
    pub row: u64,
    /// Why.
    pub code: Code,
}

/// Why a batch was not taken. Nothing of it was done then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// More rows than one batch may have, or than the file is said to have.
    #[error("more rows than a batch may hold")]
    TooManyRows,
    /// The file has another number of rows than the job began with.
    #[error("the file is not the one the job began with")]
    FileChanged,
    /// What stands in the way of every row.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl BatchError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::TooManyRows => Kind::Usage,
            Self::FileChanged => Kind::Conflict,
            Self::Register(error) => error.kind(),
            Self::Job(error) => error.kind(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::TooManyRows => explain::USAGE,
            Self::FileChanged => explain::FILE_CHANGED,
            Self::Register(error) => error.code(),
            Self::Job(_) => explain::generic(self.kind()),
        }
    }
}

impl Mailboxes {
    /// Registers the rows of a batch in one unit of work together with the job's step, so that a
    /// batch is done whole or not at all, and never twice. A batch that was done before is
    /// answered with where the job stands.
    ///
    /// # Errors
    /// [`BatchError`]; the job stands where it stood.
    pub async fn register_batch(
        &self,
        batch: FileBatch,
        origin: &Origin,
    ) -> Result<BatchDone, BatchError> {
        let rows = u64::try_from(batch.rows.len()).unwrap_or(u64::MAX);
        let end = batch.first_row.saturating_add(rows);
        if batch.rows.len() > REGISTER_BATCH_ROWS_MAX || end > batch.rows_total {
            return Err(BatchError::TooManyRows);
        }
        let job = self.job_of(&batch, origin).await?;
        if job.counts.total != Some(batch.rows_total) {
            return Err(BatchError::FileChanged);
        }
        if job.state != JobState::Running || batch.first_row != job.counts.done || rows == 0 {
            return Ok(standing(&job, Vec::new()));
        }
        for _ in 0..ATTEMPTS_MAX {
            match self.try_batch(&batch, &job, origin).await {
                Err(BatchError::Register(
                    RegisterError::AlreadyRegistered
                    | RegisterError::Commit(CommitError::Expectation { table: Table::Terms, .. }),
                )) => {}
                done => return done,
            }
        }
        Err(RegisterError::AlreadyRegistered.into())
    }

    async fn try_batch(
        &self,
        batch: &FileBatch,
        job: &Job,
        origin: &Origin,
    ) -> Result<BatchDone, BatchError> {
        let (sound, refused) = self.judge_rows(batch).await?;
        let terms = self.terms()?;
        let now = self.now();
        let rows = u64::try_from(batch.rows.len()).unwrap_or(u64::MAX);
        let refused_rows = u64::try_from(refused.len()).unwrap_or(u64::MAX);
        let next_row = batch.first_row.saturating_add(rows);
        let counts = Counts {
            done: next_row,
            refused: job.counts.refused.saturating_add(refused_rows),
            ..job.counts
        };
        let step = job.advance(next_row.to_be_bytes().to_vec(), counts, now)?;
        let event = if sound.is_empty() { Event::JobProgressed } else { Event::MailboxRegistered };
        let entry = origin
            .entry(now, event)
            .about(Subject::Job(job.id))
            .fact(Fact::Count(rows.saturating_sub(refused_rows)));
        let mut unit = Unit::new(entry, &terms);
        unit.changes.append(step.changes);
        self.put_terms(&mut unit.changes, &terms).await?;
        for (made, kind) in self.make(sound).await? {
            unit.add(made, kind, now)?;
        }
        let committed = self.store().commit(unit.changes, unit.entry).await;
        committed.map_err(already_registered)?;
        self.jobs().committed(&step.job);
        let job = self.end_when_done(step.job, origin).await?;
        Ok(standing(&job, refused))
    }

    /// Splits the rows into those that keep the rules and those that do not.
    async fn judge_rows(
        &self,
        batch: &FileBatch,
    ) -> Result<(Vec<Sound>, Vec<RefusedRow>), RegisterError> {
        let mut sound = Vec::with_capacity(batch.rows.len());
        let mut refused = Vec::new();
        let mut seen = HashSet::new();
        for (row, registration) in (batch.first_row..).zip(&batch.rows) {
            let judged = match registration {
                Err(code) => {
                    refused.push(RefusedRow { row, code: *code });
                    continue;
                }
                Ok(registration) => self.judge(registration.clone()),
            };
            let known = match judged {
                Ok(judged) if seen.insert(judged.number.clone()) => {
                    self.expect_unknown(&judged.number).await.map(|()| judged)
                }
                Ok(_) => Err(RegisterError::AlreadyRegistered),
                Err(error) => Err(error),
            };
            match known {
                Ok(judged) => sound.push(judged),
                Err(error) if error.is_of_the_row() => {
                    refused.push(RefusedRow { row, code: error.code() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((sound, refused))
    }

    /// The job of this file: the one that runs, else the one that is done, else a new one.
    async fn job_of(&self, batch: &FileBatch, origin: &Origin) -> Result<Job, BatchError> {
        let _turn = self.jobs().turn().await;
        let jobs = self.jobs().list(usize::MAX).await?.jobs;
        let of_this_file =
            |job: &&Job| job.kind == JobKind::RegisterFile && job.digest == Some(batch.file_sha256);
        let running = |job: &&Job| job.state == JobState::Running;
        let done = |job: &&Job| job.state == JobState::Done;
        let found = jobs.iter().filter(of_this_file).find(running);
        let found = found.or_else(|| jobs.iter().filter(of_this_file).find(done));
        match found {
            // Killed between the last batch and the end.
            Some(job) if job.state == JobState::Running => {
                return self.end_when_done(job.clone(), origin).await;
            }
            Some(job) => return Ok(job.clone()),
            None => {}
        }
        let owner = match origin.actor {
            Actor::Operator(id) => Some(id),
            Actor::Daemon
            | Actor::Local(_)
            | Actor::Authority(_)
            | Actor::Unknown
            | Actor::Portal(_)
            | Actor::Person(_) => None,
        };
        let new = NewJob {
            kind: JobKind::RegisterFile,
            owner,
            total: Some(batch.rows_total),
            digest: Some(batch.file_sha256),
        };
        let step = self.jobs().begin(new)?;
        let entry = origin
            .entry(self.now(), Event::JobStarted)
            .about(Subject::Job(step.job.id))
            .fact(Fact::Digest(batch.file_sha256))
            .fact(Fact::Count(batch.rows_total));
        self.commit_step(step.changes, entry).await?;
        self.jobs().committed(&step.job);
        self.end_when_done(step.job, origin).await
    }

    async fn end_when_done(&self, job: Job, origin: &Origin) -> Result<Job, BatchError> {
        if Some(job.counts.done) != job.counts.total {
            return Ok(job);
        }
        let step = job.end(End::Done, self.now())?;
        let entry = origin
            .entry(self.now(), Event::JobEnded)
            .about(Subject::Job(job.id))
            .fact(Fact::Count(job.counts.done.saturating_sub(job.counts.refused)));
        self.commit_step(step.changes, entry).await?;
        self.jobs().committed(&step.job);
        Ok(step.job)
    }

    async fn commit_step(
        &self,
        changes: Changes,
        entry: mbx_common::audit::Entry,
    ) -> Result<(), RegisterError> {
        self.store().commit(changes, entry).await?;
        Ok(())
    }
}

fn standing(job: &Job, refused: Vec<RefusedRow>) -> BatchDone {
    BatchDone {
        job: job.id,
        next_row: job.counts.done,
        registered: job.counts.done.saturating_sub(job.counts.refused),
        refused,
        finished: job.state == JobState::Done,
    }
}
