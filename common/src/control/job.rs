//! `/v1/jobs`: long work that goes on whether or not somebody watches.

use super::mailbox::Verified;
use crate::id::JobId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a job.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Waits for its turn or for its next batch.
    Waiting,
    /// Runs.
    Running,
    /// Was stopped by staff and can go on.
    Paused,
    /// Done.
    Done,
    /// Ended without success.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Cancelled => true,
            Self::Waiting | Self::Running | Self::Paused => false,
        }
    }
}

/// `GET /v1/jobs`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// Only this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A job.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Job {
    /// The job.
    pub job: JobId,
    /// What it does: `user register`, `mailbox verify` …
    pub what: String,
    /// Its state.
    pub state: JobState,
    /// Who started it: a login name or `daemon`.
    pub by: String,
    /// When it was started.
    pub started: Timestamp,
    /// When its row was last written.
    pub updated: Timestamp,
    /// Steps done.
    pub done: u64,
    /// Steps in all, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Steps that did not go well.
    pub failed: u64,
    /// How it ended, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What it found, where it verified mailboxes and has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
}

/// A job that was started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Started {
    /// The job.
    pub job: JobId,
}

/// One line of `GET /v1/jobs/{job}/events`: how the job stands. The last one has a final state.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct JobEvent {
    /// The daemon's clock.
    pub time: Timestamp,
    /// The job as it stands.
    pub job: Job,
}
