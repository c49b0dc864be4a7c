//! `/v1/jobs`: long work that goes on whether or not somebody watches.

use super::answer::{Answer, json, lines};
use super::ask::Ask;
use super::refusal::Refusal;
use super::rooms::Rooms;
use super::short_id::{is_beginning, the_one};
use crate::jobs::{self, JobKind};
use crate::mailbox::staff::{self, verification};
use futures_util::stream;
use mbx_common::control::Page;
use mbx_common::control::job::{Job, JobEvent, JobQuery, JobState};
use mbx_common::control::mailbox::{Finding, Verified};
use mbx_common::error::Code;
use mbx_common::explain;
use mbx_common::id::{JobId, OperatorId};
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use std::collections::HashMap;
use tokio::sync::broadcast;

/// A file of which no batch came for so long waits for its next one: whoever sent it has stopped.
const BATCH_DUE_MS: u64 = 60_000;

/// The newest jobs.
pub(super) async fn list(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let query: JobQuery = ask.query()?;
    let limit = query.limit.unwrap_or(LIST_ROWS_DEFAULT).min(LIST_ROWS_MAX);
    let page = rooms.jobs.list(LIST_ROWS_MAX).await?;
    let names = names(rooms).await?;
    let rows = page.jobs.iter().map(|job| shown(rooms, job, &names));
    let mut rows = rows.collect::<Result<Vec<Job>, Refusal>>()?;
    rows.retain(|job| query.state.is_none_or(|state| job.state == state));
    let total = u64::try_from(rows.len()).ok();
    rows.truncate(limit);
    json(&Page { rows, next: None, total })
}

/// One job.
pub(super) async fn show(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let job = find(rooms, ask.parameter()).await?;
    json(&shown(rooms, &job, &names(rooms).await?)?)
}

/// A line for each step, until the job ends. A broken connection never stops the job.
pub(super) async fn events(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let steps = rooms.jobs.follow();
    let job = find(rooms, ask.parameter()).await?;
    let names = names(rooms).await?;
    let following = Following { rooms: rooms.clone(), steps, names, id: job.id, next: Some(job) };
    Ok(lines(stream::unfold(Some(following), Following::step)))
}

/// A job that is followed: the next line, where it is known already.
struct Following {
    rooms: Rooms,
    steps: broadcast::Receiver<jobs::Job>,
    names: HashMap<OperatorId, String>,
    id: JobId,
    next: Option<jobs::Job>,
}

impl Following {
    /// The next line, and the rest where the job has not ended.
    async fn step(following: Option<Self>) -> Option<(JobEvent, Option<Self>)> {
        let mut following = following?;
        let job = match following.next.take() {
            Some(job) => job,
            None => following.wait().await?,
        };
        let shown = shown(&following.rooms, &job, &following.names).ok()?;
        let event = JobEvent { time: following.rooms.clock.now(), job: shown };
        let rest = if event.job.state.is_final() { None } else { Some(following) };
        Some((event, rest))
    }

    async fn wait(&mut self) -> Option<jobs::Job> {
        loop {
            match self.steps.recv().await {
                Ok(job) if job.id == self.id => return Some(job),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    return self.rooms.jobs.get(self.id).await.ok();
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// The job of a whole id, or of its first digits where they are unique.
async fn find(rooms: &Rooms, text: &str) -> Result<jobs::Job, Refusal> {
    if let Ok(id) = text.parse::<JobId>() {
        return Ok(rooms.jobs.get(id).await?);
    }
    if !is_beginning(text, JobId::PREFIX) {
        return Err(Refusal::new(explain::USAGE, "a job's id is job_ and at least 6 hex digits"));
    }
    let page = rooms.jobs.list(LIST_ROWS_MAX).await?;
    let fitting = page.jobs.into_iter().filter(|job| job.id.to_string().starts_with(text));
    the_one(fitting, (explain::NO_JOB, "job"))
}

/// Login names of staff, for output.
pub(super) async fn names(rooms: &Rooms) -> Result<HashMap<OperatorId, String>, Refusal> {
    let staff = rooms.operators.list().await?;
    Ok(staff.into_iter().map(|person| (person.id, person.name.to_string())).collect())
}

fn shown(
    rooms: &Rooms,
    job: &jobs::Job,
    names: &HashMap<OperatorId, String>,
) -> Result<Job, Refusal> {
    let job = rooms.jobs.standing(job.clone());
    let found = verification(&job).map_err(|error| Refusal::of_kind(error.kind(), &error))?;
    let by = match job.owner {
        None => "daemon".to_owned(),
        Some(owner) => names.get(&owner).cloned().unwrap_or_else(|| owner.to_string()),
    };
    let idle = rooms.clock.now().apart(job.updated) >= BATCH_DUE_MS;
    let state = match job.state {
        jobs::JobState::Running if job.kind == JobKind::RegisterFile && idle => JobState::Waiting,
        jobs::JobState::Running => JobState::Running,
        jobs::JobState::Done => JobState::Done,
        jobs::JobState::Failed => JobState::Failed,
        jobs::JobState::Cancelled => JobState::Cancelled,
    };
    Ok(Job {
        job: job.id,
        what: match job.kind {
            JobKind::RegisterFile => "user register",
            JobKind::VerifyMailboxes => "mailbox verify",
        }
        .to_owned(),
        state,
        by,
        started: job.started,
        updated: job.updated,
        done: job.counts.done,
        total: job.counts.total,
        failed: job.counts.refused,
        outcome: job.error.map(|code| {
            let code = Code(code);
            explain::of(code)
                .map_or_else(|| code.to_string(), |entry| format!("{}   {code}", entry.title))
        }),
        verified: found.as_ref().map(verified),
    })
}

/// What a verification found, as the API spells it.
fn verified(verified: &staff::Verified) -> Verified {
    let finding = |finding: &staff::Finding| Finding {
        mailbox: finding.mailbox,
        message: finding.message,
        delivery: finding.delivery,
        what: finding.fault.text().to_owned(),
    };
    Verified {
        mailboxes: verified.mailboxes,
        messages: verified.messages,
        bytes: verified.bytes,
        findings_total: verified.faults,
        findings: verified.findings.iter().map(finding).collect(),
    }
}
