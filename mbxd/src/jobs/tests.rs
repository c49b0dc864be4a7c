use super::*;
use crate::clock::Clock;
use crate::store::{CommitError, Row, Store, memory};
use futures_util::future::BoxFuture;
use mbx_common::audit::{Actor, Event, Origin, Subject};
use mbx_common::time::Timestamp;
use std::sync::Arc;
use tokio::sync::mpsc;

fn start() -> Timestamp {
    "2026-11-24T03:41:00Z".parse().unwrap()
}

fn room() -> (Jobs, Store, Clock) {
    let (store, clock) = (memory::engine(), Clock::manual(start()));
    (Jobs::new(store.clone(), clock.clone()), store, clock)
}

fn file_job() -> NewJob {
    NewJob { kind: JobKind::RegisterFile, owner: None, total: Some(10), digest: Some([7; 32]) }
}

async fn commit(store: &Store, step: &Step, event: Event) -> Result<(), CommitError> {
    let entry = Origin::of(Actor::Daemon).entry(start(), event).about(Subject::Job(step.job.id));
    store.commit(step.changes.clone(), entry).await.map(|_| ())
}

#[tokio::test]
async fn a_job_begins_advances_and_ends() {
    let (jobs, store, clock) = room();
    let step = jobs.begin(file_job()).unwrap();
    commit(&store, &step, Event::JobStarted).await.unwrap();
    clock.advance(5);
    let job = jobs.get(step.job.id).await.unwrap();
    let counts = Counts { done: 4, total: Some(10), refused: 1 };
    let step = job.advance(b"row 4".to_vec(), counts, clock.now()).unwrap();
    commit(&store, &step, Event::JobProgressed).await.unwrap();
    let job = jobs.get(job.id).await.unwrap();
    assert_eq!((job.cursor.as_slice(), job.counts), (&b"row 4"[..], counts));
    let step = job.end(End::Failed(2041), clock.now()).unwrap();
    commit(&store, &step, Event::JobEnded).await.unwrap();
    let job = jobs.get(job.id).await.unwrap();
    assert_eq!((job.state, job.error), (JobState::Failed, Some(2041)));
    assert_eq!(job.ended, Some(clock.now()));
    assert!(job.advance(Vec::new(), counts, clock.now()).is_err());
    assert!(matches!(jobs.cancel(job.id, &Origin::of(Actor::Daemon)).await, Err(JobError::Ended)));
}

#[tokio::test]
async fn two_who_work_on_the_same_job_cannot_both_take_the_step() {
    let (jobs, store, clock) = room();
    let begin = jobs.begin(file_job()).unwrap();
    commit(&store, &begin, Event::JobStarted).await.unwrap();
    let counts = Counts { done: 1, ..begin.job.counts };
    let one = begin.job.advance(vec![1], counts, clock.now()).unwrap();
    let other = begin.job.advance(vec![2], counts, clock.now()).unwrap();
    commit(&store, &one, Event::JobProgressed).await.unwrap();
    let refused = commit(&store, &other, Event::JobProgressed).await;
    assert!(matches!(refused, Err(CommitError::Expectation { .. })));
    assert_eq!(jobs.get(begin.job.id).await.unwrap().cursor, [1]);
}

#[tokio::test]
async fn a_cursor_over_its_limit_is_refused() {
    let (jobs, _, clock) = room();
    let job = jobs.begin(file_job()).unwrap().job;
    let long = vec![0; Job::CURSOR_LEN_MAX + 1];
    assert!(job.advance(long, job.counts, clock.now()).is_err());
}

#[tokio::test]
async fn the_list_shows_the_newest_first_and_says_how_many_there_are() {
    let (jobs, store, clock) = room();
    let mut ids = Vec::new();
    for _ in 0..5 {
        clock.advance(1000);
        let step = jobs.begin(file_job()).unwrap();
        ids.push(step.job.id);
        commit(&store, &step, Event::JobStarted).await.unwrap();
    }
    let page = jobs.list(2).await.unwrap();
    let shown: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
    assert_eq!((shown, page.total), (vec![ids[4], ids[3]], 5));
}

#[tokio::test]
async fn a_job_fed_from_outside_ends_at_once_when_cancelled() {
    let (jobs, store, _) = room();
    let step = jobs.begin(file_job()).unwrap();
    commit(&store, &step, Event::JobStarted).await.unwrap();
    let mut follower = jobs.follow();
    let job = jobs.cancel(step.job.id, &Origin::of(Actor::Local(0))).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(follower.recv().await.unwrap(), job);
}

struct Echo(mpsc::UnboundedSender<Job>);

impl Runner for Echo {
    fn kind(&self) -> JobKind {
        JobKind::VerifyMailboxes
    }

    fn run(&self, job: Job) -> BoxFuture<'_, ()> {
        let _closed = self.0.send(job);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn unfinished_jobs_with_a_runner_go_on_at_start_and_others_wait() {
    let (jobs, store, clock) = room();
    let verify = NewJob { kind: JobKind::VerifyMailboxes, owner: None, total: None, digest: None };
    let (open, fed) = (jobs.begin(verify).unwrap(), jobs.begin(file_job()).unwrap());
    let closed = jobs.begin(verify).unwrap();
    for step in [&open, &fed, &closed] {
        commit(&store, step, Event::JobStarted).await.unwrap();
    }
    let end = closed.job.end(End::Done, clock.now()).unwrap();
    commit(&store, &end, Event::JobEnded).await.unwrap();

    let restarted = Jobs::new(store.clone(), clock);
    let (sender, mut runs) = mpsc::unbounded_channel();
    restarted.register(Arc::new(Echo(sender)));
    assert_eq!(restarted.resume().await.unwrap(), 1);
    assert_eq!(runs.recv().await.unwrap(), open.job);
    let job = restarted.cancel(open.job.id, &Origin::of(Actor::Local(0))).await.unwrap();
    assert_eq!(job.state, JobState::Running);
    assert!(restarted.is_cancelled(open.job.id).await.unwrap());
}

#[test]
fn a_stored_row_keeps_its_bytes() {
    let step = Job::begin(
        mbx_common::id::JobId::from_bytes([0x11; 16]),
        file_job(),
        Vec::new(),
        Timestamp::from_millis(1).unwrap(),
    )
    .unwrap();
    let row = step.job.encode().unwrap();
    assert_eq!(row[0], Job::VERSION);
    assert_eq!(&row[1..17], [0x11; 16]);
    assert_eq!(&row[17..19], [0, 0]);
    assert_eq!(Job::decode(&row), Ok(step.job));
}

/// Does as the job's number of rows says: one that panics, one that never ends.
struct Troubled;

impl Runner for Troubled {
    fn kind(&self) -> JobKind {
        JobKind::VerifyMailboxes
    }

    fn run(&self, job: Job) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            assert_ne!(job.counts.total, Some(0), "a runner that panics");
            std::future::pending::<()>().await;
        })
    }
}

#[tokio::test]
async fn a_job_whose_runner_panics_has_failed_and_one_that_is_stopped_goes_on_later() {
    let (jobs, store, _) = room();
    jobs.register(Arc::new(Troubled));
    let mut steps = jobs.follow();
    let begin = |total| NewJob {
        kind: JobKind::VerifyMailboxes,
        owner: None,
        total: Some(total),
        digest: None,
    };
    let (panics, lasts) = (jobs.begin(begin(0)).unwrap(), jobs.begin(begin(1)).unwrap());
    for step in [&panics, &lasts] {
        commit(&store, step, Event::JobStarted).await.unwrap();
        jobs.start(step.job.clone());
    }
    let ended = steps.recv().await.unwrap();
    assert_eq!(ended.id, panics.job.id);
    assert_eq!(ended.state, JobState::Failed);
    jobs.stop().await;
    assert_eq!(jobs.get(lasts.job.id).await.unwrap().state, JobState::Running);
    assert_eq!(jobs.resume().await.unwrap(), 1);
}
