//! A job as it is stored, and the steps that it takes.

use super::error::JobError;
use crate::store::{BadRow, Changes, Expectation, Row, Table};
use mbx_common::id::{JobId, OperatorId};
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A job: one row of the table of jobs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// Who started it; `None` = the daemon.
    pub owner: Option<OperatorId>,
    /// When it was started.
    pub started: Timestamp,
    /// When it last took a step.
    pub updated: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it goes on, in the spelling of its kind; at most [`Job::CURSOR_LEN_MAX`] bytes. Never
    /// a national number.
    pub cursor: Vec<u8>,
    /// What was done so far.
    pub counts: Counts,
    /// SHA-256 of the file that it works through, where there is one.
    pub digest: Option<[u8; 32]>,
    /// Number of the last error (`MBX-nnnn`), where there was one.
    pub error: Option<u16>,
    /// Whether somebody asked it to stop.
    pub cancel_asked: bool,
}

/// What a job does. The number is stored (the place in this list): never reused or moved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum JobKind {
    /// Registers the holders of a file that mbxctl sends in batches.
    RegisterFile,
    /// Verifies mailboxes.
    VerifyMailboxes,
}

impl JobKind {
    /// The name in lists and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegisterFile => "register-file",
            Self::VerifyMailboxes => "verify-mailboxes",
        }
    }
}

/// How far a job is. The number is stored (the place in this list): never reused or moved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// It works, or waits for its next batch; after a restart it goes on.
    Running,
    /// Done whole.
    Done,
    /// Stopped by an error.
    Failed,
    /// Stopped because somebody asked.
    Cancelled,
}

/// What a job did so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Items worked through, refused ones included.
    pub done: u64,
    /// Items in all, where it is known.
    pub total: Option<u64>,
    /// Items among `done` that were refused or found wrong.
    pub refused: u64,
}

/// What a new job starts with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Who started it; `None` = the daemon.
    pub owner: Option<OperatorId>,
    /// Items in all, where it is known.
    pub total: Option<u64>,
    /// SHA-256 of the file that it works through, where there is one.
    pub digest: Option<[u8; 32]>,
}

/// How a job ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// Done whole.
    Done,
    /// Stopped by an error with this number (`MBX-nnnn`).
    Failed(u16),
    /// Stopped because somebody asked.
    Cancelled,
}

/// A step of a job that is not committed yet: the service commits `changes` in its own unit of work
/// and then tells the room (`Jobs::committed`).
#[derive(Clone, Debug)]
#[must_use = "commit the changes, then tell the room"]
pub struct Step {
    /// The job after the step.
    pub job: Job,
    /// The row's change. It expects the row as it was before, so that two who work on the same job
    /// cannot both take the step.
    pub changes: Changes,
}

impl Row for Job {
    const VERSION: u8 = 1;
}

impl Job {
    /// Longest cursor, in bytes.
    pub const CURSOR_LEN_MAX: usize = 4096;

    /// The first step: the job begins.
    ///
    /// # Errors
    /// [`JobError::Row`] where the row cannot be written.
    pub fn begin(
        id: JobId,
        new: NewJob,
        cursor: Vec<u8>,
        now: Timestamp,
    ) -> Result<Step, JobError> {
        if cursor.len() > Self::CURSOR_LEN_MAX {
            return Err(JobError::Row(BadRow));
        }
        let job = Self {
            id,
            kind: new.kind,
            state: JobState::Running,
            owner: new.owner,
            started: now,
            updated: now,
            ended: None,
            cursor,
            counts: Counts { total: new.total, ..Counts::default() },
            digest: new.digest,
            error: None,
            cancel_asked: false,
        };
        job.step(Expectation::Absent)
    }

    /// A step forward. `cursor` must be such that going on from it does nothing twice and leaves
    /// nothing out.
    ///
    /// # Errors
    /// [`JobError::Ended`]; [`JobError::Row`] where the cursor is over its limit.
    pub fn advance(
        &self,
        cursor: Vec<u8>,
        counts: Counts,
        now: Timestamp,
    ) -> Result<Step, JobError> {
        if cursor.len() > Self::CURSOR_LEN_MAX {
            return Err(JobError::Row(BadRow));
        }
        self.next(|job| {
            job.cursor = cursor;
            job.counts = counts;
            job.updated = now;
        })
    }

    /// The last step, with what the job has to tell at its end.
    ///
    /// # Errors
    /// [`JobError::Ended`]; [`JobError::Row`] where the cursor is over its limit.
    pub fn close(
        &self,
        cursor: Vec<u8>,
        counts: Counts,
        end: End,
        now: Timestamp,
    ) -> Result<Step, JobError> {
        let last = self.advance(cursor, counts, now)?.job;
        let closed = last.end(end, now)?.job;
        self.next(|job| *job = closed)
    }

    /// The last step.
    ///
    /// # Errors
    /// [`JobError::Ended`] where it has ended already.
    pub fn end(&self, end: End, now: Timestamp) -> Result<Step, JobError> {
        self.next(|job| {
            (job.state, job.error) = match end {
                End::Done => (JobState::Done, None),
                End::Failed(code) => (JobState::Failed, Some(code)),
                End::Cancelled => (JobState::Cancelled, None),
            };
            job.updated = now;
            job.ended = Some(now);
        })
    }

    /// The step that notes that somebody wants it to stop.
    pub(super) fn ask_cancel(&self, now: Timestamp) -> Result<Step, JobError> {
        self.next(|job| {
            job.cancel_asked = true;
            job.updated = now;
        })
    }

    fn next(&self, change: impl FnOnce(&mut Self)) -> Result<Step, JobError> {
        if self.state != JobState::Running {
            return Err(JobError::Ended);
        }
        let before = self.encode()?;
        let mut job = self.clone();
        change(&mut job);
        job.step(Expectation::Equals(before))
    }

    fn step(self, before: Expectation) -> Result<Step, JobError> {
        let mut changes = Changes::new();
        let key = self.id.as_bytes().to_vec();
        changes.expect(Table::Job, key.clone(), before).put(Table::Job, key, self.encode()?);
        Ok(Step { job: self, changes })
    }
}
