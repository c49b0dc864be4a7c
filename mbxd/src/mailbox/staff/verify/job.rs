//! Verifying as a job: started by staff, done in the background, begun anew after a restart.

use super::finding::{Finding, Verified, VerifyError};
use super::progress::Progress;
use super::scope::Scope;
use crate::jobs::{End, Job, JobKind, JobState, NewJob, Runner};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, KeyRange, Row, Table};
use futures_util::future::BoxFuture;
use mbx_common::audit::{Actor, Event, Fact, Origin, Outcome, Subject};
use mbx_common::explain;
use mbx_common::id::MailboxId;
use serde::{Deserialize, Serialize};

/// Findings that are kept with the job; the journal has more, the count is always whole.
const FINDINGS_KEPT: usize = 50;

/// The cursor of such a job (`docs/formats/staff.md`): what is verified, and what was found.
#[derive(Debug, Deserialize, Serialize)]
struct Cursor {
    mailbox: Option<MailboxId>,
    sample_pct: u8,
    found: Option<Found>,
}

/// What was found, as it is kept.
#[derive(Debug, Deserialize, Serialize)]
struct Found {
    mailboxes: u64,
    messages: u64,
    bytes: u64,
    entries: u64,
    faults: u64,
    findings: Vec<Finding>,
}

impl Row for Cursor {
    const VERSION: u8 = 1;
}

/// Does the jobs that verify mailboxes.
#[derive(Debug)]
pub struct Verifier(Mailboxes);

impl Verifier {
    /// Over these mailboxes.
    pub const fn new(mailboxes: Mailboxes) -> Self {
        Self(mailboxes)
    }
}

impl Runner for Verifier {
    fn kind(&self) -> JobKind {
        JobKind::VerifyMailboxes
    }

    fn run(&self, job: Job) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.run_verification(job).await {
                tracing::error!(%error, "mailboxes were not verified");
            }
        })
    }
}

impl Mailboxes {
    /// Starts to verify one mailbox, or all; `sample_pct` (1–100) bounds how many deliveries'
    /// contents are read. [`verification`] tells what the job found.
    ///
    /// # Errors
    /// [`VerifyError::NoMailbox`]; [`VerifyError::Running`] where another verification runs: two
    /// would only slow each other.
    pub async fn start_verification(
        &self,
        mailbox: Option<MailboxId>,
        sample_pct: u8,
        origin: &Origin,
    ) -> Result<Job, VerifyError> {
        if let Some(id) = mailbox
            && self.mailbox_row(id).await?.is_none()
        {
            return Err(VerifyError::NoMailbox);
        }
        let _turn = self.jobs().turn().await;
        let jobs = self.jobs().list(usize::MAX).await?.jobs;
        let running =
            |job: &&Job| job.kind == JobKind::VerifyMailboxes && job.state == JobState::Running;
        if let Some(job) = jobs.iter().find(running) {
            return Err(VerifyError::Running { job: job.id });
        }
        let owner = if let Actor::Operator(id) = origin.actor { Some(id) } else { None };
        let new = NewJob { kind: JobKind::VerifyMailboxes, owner, total: None, digest: None };
        let cursor = Cursor { mailbox, sample_pct: sample_pct.clamp(1, 100), found: None };
        let step = self.jobs().begin_at(new, cursor.encode()?.to_vec())?;
        let mut entry =
            origin.entry(self.now(), Event::JobStarted).about(Subject::Job(step.job.id));
        entry.subjects.extend(mailbox.map(Subject::Mailbox));
        self.store().commit(step.changes, entry).await?;
        self.jobs().committed(&step.job);
        self.jobs().start(step.job.clone());
        Ok(step.job)
    }

    /// Verifies, from the beginning, and ends the job with one entry that tells what was found.
    ///
    /// # Errors
    /// [`VerifyError`] where it could not be carried through; the job has failed then, or goes on
    /// at the next start where not even that could be written.
    pub async fn run_verification(&self, job: Job) -> Result<Verified, VerifyError> {
        let cursor = Cursor::decode(&job.cursor)?;
        let scope = Scope { mailbox: cursor.mailbox, sample_pct: cursor.sample_pct };
        let progress = Progress::of(self.jobs(), &job, self.rows_in(scope).await?);
        let looked = self.look(scope, &progress).await;
        let (end, outcome) = match &looked {
            Ok(verified) if verified.faults == 0 => (End::Done, Outcome::Done),
            Ok(_) => (End::Done, Outcome::Failed),
            Err(VerifyError::Cancelled) => (End::Cancelled, Outcome::Failed),
            Err(error) => (End::Failed(explain::generic(error.kind()).0), Outcome::Failed),
        };
        let found = looked.as_ref().ok();
        let faults = found.map_or(0, |verified| verified.faults);
        let cursor = Cursor { found: found.map(Found::from), ..cursor };
        // Somebody may have asked it to stop meanwhile: the row is read anew.
        let job = self.jobs().get(job.id).await?;
        let cursor = cursor.encode()?.to_vec();
        let step = job.close(cursor, progress.counts(faults), end, self.now())?;
        let actor = job.owner.map_or(Actor::Daemon, Actor::Operator);
        let mut entry = Origin::of(actor)
            .entry(self.now(), Event::MailboxVerified)
            .outcome(outcome)
            .about(Subject::Job(job.id))
            .fact(Fact::Count(found.map_or(0, |verified| verified.messages)))
            .fact(Fact::Count(faults));
        entry.subjects.extend(scope.mailbox.map(Subject::Mailbox));
        self.store().commit(step.changes, entry).await?;
        self.jobs().committed(&step.job);
        looked
    }

    /// How many rows and entries will be looked at.
    async fn rows_in(&self, scope: Scope) -> Result<u64, VerifyError> {
        let mut total = self.store().tree().await?.0;
        let places = scope.mailbox.is_none().then_some(Table::MessagePlace);
        for table in [Some(Table::Mailbox), Some(Table::Message), places].into_iter().flatten() {
            let range =
                scope.mailbox.map_or_else(KeyRange::all, |id| KeyRange::prefix(id.as_bytes()));
            self.each(table, range, |_| {
                total = total.saturating_add(1);
                Ok::<_, VerifyError>(())
            })
            .await?;
        }
        Ok(total)
    }
}

/// What a job that verifies mailboxes has found; `None` while it runs, or for another kind.
///
/// # Errors
/// [`BadRow`] where its cursor cannot be read.
pub fn verification(job: &Job) -> Result<Option<Verified>, BadRow> {
    if job.kind != JobKind::VerifyMailboxes {
        return Ok(None);
    }
    Ok(Cursor::decode(&job.cursor)?.found.map(|found| Verified {
        mailboxes: found.mailboxes,
        messages: found.messages,
        bytes: found.bytes,
        entries: found.entries,
        faults: found.faults,
        findings: found.findings,
    }))
}

impl From<&Verified> for Found {
    fn from(verified: &Verified) -> Self {
        Self {
            mailboxes: verified.mailboxes,
            messages: verified.messages,
            bytes: verified.bytes,
            entries: verified.entries,
            faults: verified.faults,
            findings: verified.findings.iter().take(FINDINGS_KEPT).copied().collect(),
        }
    }
}
