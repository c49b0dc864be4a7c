//! Everything that goes on by itself while the daemon runs.

use super::rooms::Rooms;
use super::service;
use super::tasks::Tasks;
use super::vitals::Vitals;
use super::watch::Diary;
use crate::audit::AuditLog;
use crate::clock::{Clock, Leap, Steady};
use crate::jobs::Jobs;
use crate::keys::Keys;
use crate::mailbox::Mailboxes;
use crate::operators::Operators;
use crate::telemetry::Chain;
use std::time::{Duration, Instant};

/// How often the audit log is asked whether a checkpoint is due.
const CHECKPOINT_STEP: Duration = Duration::from_secs(1);

/// How often what has expired is dropped; also the shortest time between two checks of the log.
const SWEEP_STEP: Duration = Duration::from_mins(1);

/// Starts every task; they go on until they are shut down.
pub(super) fn start(rooms: &Rooms, diary: &Diary, vitals: &Vitals, check_every: Duration) -> Tasks {
    let mut tasks = Tasks::default();
    tasks.spawn("keys", attend_keys(rooms.keys.clone()));
    tasks.spawn("token diary", diary.clone().follow_token(rooms.custody.clone()));
    tasks.spawn("space diary", diary.clone().follow_space());
    tasks.spawn("vitals", vitals.clone().keep_sampling());
    tasks.spawn("revocation lists", rooms.trust.clone().keep_lists_fresh());
    tasks.spawn("checkpoints", sign_checkpoints(rooms.audit.clone()));
    tasks.spawn("audit check", check_audit(rooms.audit.clone(), check_every.max(SWEEP_STEP)));
    tasks.spawn("jobs", resume_jobs(rooms.jobs.clone()));
    let clock = rooms.clock.clone();
    tasks.spawn("sweep", sweep(rooms.mailboxes.clone(), rooms.operators.clone(), clock));
    let health = rooms.health.clone();
    tasks.spawn("watchdog", async move {
        service::watchdog(|| async { health.store_answers().await }).await;
    });
    tasks
}

async fn attend_keys(keys: Keys) {
    keys.attend(|error| tracing::error!(error = %Chain(error), "the keys cannot be opened")).await;
}

async fn sign_checkpoints(audit: AuditLog) {
    loop {
        if let Err(error) = audit.tick().await {
            tracing::warn!(error = %Chain(&error), "no audit checkpoint was signed");
        }
        tokio::time::sleep(CHECKPOINT_STEP).await;
    }
}

/// Jobs that a stop or crash interrupted go on by themselves where the daemon does them; a file that
/// is registered waits for its next batch.
async fn resume_jobs(jobs: Jobs) {
    match jobs.resume().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "interrupted jobs go on"),
        Err(error) => tracing::error!(error = %Chain(&error), "interrupted jobs do not go on"),
    }
    // A task that ended would stop the daemon.
    std::future::pending::<()>().await;
}

/// The head at start, which is quick; the whole log from then on.
async fn check_audit(audit: AuditLog, every: Duration) {
    let mut checked = audit.check_head().await;
    loop {
        if let Err(error) = checked {
            tracing::error!(error = %Chain(&error), "the audit log cannot be checked");
        }
        tokio::time::sleep(every).await;
        checked = audit.check_all().await;
    }
}

async fn sweep(mailboxes: Mailboxes, operators: Operators, clock: Clock) {
    let mut steady = Steady::default();
    loop {
        if let Err(error) = operators.sweep().await {
            tracing::warn!(error = %Chain(&error), "timed-out sessions were not ended");
        }
        if let Err(error) = mailboxes.flush_refusals(false).await {
            tracing::warn!(error = %Chain(&error), "refusals were not counted");
        }
        // What is dropped is lost for ever: marks of repeats, and the keys of deleted messages.
        if let Err(Leap { ahead_ms }) = steady.look(clock.now(), Instant::now()) {
            tracing::error!(ahead_ms, "the clock leapt ahead: expired rows stay for an hour");
        } else if let Err(error) = mailboxes.sweep().await {
            tracing::warn!(error = %Chain(&error), "expired rows were not dropped");
        }
        tokio::time::sleep(SWEEP_STEP).await;
    }
}
