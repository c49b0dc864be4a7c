//! The engine against appending the same bytes with one sync, in turns on the same disk.

use crate::BenchError;
use crate::appender::Appender;
use crate::counting::{CountingDisk, Counts};
use crate::cpu;
use crate::figure::{Bound, Figure, Unit};
use crate::rounds::Rounds;
use crate::sample::{Sample, number};
use crate::unit::{self, Numbers};
use bytes::Bytes;
use mbxd::config;
use mbxd::store::embedded::Embedded;
use mbxd::store::{CommitError, Engine as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Part of the table.
const PART: &str = "engine, 50 KB a message, against append + fdatasync of the same bytes";

/// Length of a message's ciphertext in bytes.
const MESSAGE_LEN: usize = 50 * 1024;

/// What one number of senders gave.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages a second of one thread that appends that many with each sync.
    pub appended: Sample,
    /// Messages a second of as many senders that hand over to one appending thread.
    pub handed_over: Sample,
    /// Messages a second of the engine with as many senders.
    pub committed: Sample,
    /// Processor time of appending one message, in microseconds.
    pub append_cpu_us: Sample,
    /// Processor time of committing one message, in microseconds, the sender's part too.
    pub commit_cpu_us: Sample,
    /// Syncs of the log for each group that was acknowledged.
    pub syncs_per_group: f64,
    /// Messages that shared a group, on average.
    pub units_per_group: f64,
    /// Bytes written to log and index for each byte of ciphertext.
    pub bytes_per_byte: f64,
}

/// Alone and sixteen at a time.
///
/// # Errors
/// [`BenchError`] where the disk or the store fails.
pub async fn figures(folder: &Path, rounds: Rounds) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for senders in [1, 16] {
        let of = outcome(folder, senders, MESSAGE_LEN, rounds).await?;
        let name = |what: &str| format!("{what}, {senders} at once");
        let counted =
            |what: &str, value| Figure::alone(PART, name(what), Sample::one(value), Unit::Plain);
        let rate = |what: &str, against| {
            let ours = of.committed.clone();
            Figure::ratio(PART, name(what), ours, Some(against), Unit::PerSecond)
        };
        let against_one = rate("commits", of.appended.clone());
        // One at a time there is no group to share a sync; the goal speaks of groups.
        figures.push(if senders == 1 {
            against_one
        } else {
            against_one.held_to(Bound::AtLeast(0.9), Bound::AtLeast(0.7))
        });
        figures.push(rate("commits, against senders who hand over", of.handed_over.clone()));
        figures.push(counted("messages that shared a sync", of.units_per_group));
        figures.push(
            counted("syncs per acknowledged group", of.syncs_per_group)
                .held_to_exactly(Bound::AtMost(1.0)),
        );
        figures.push(
            counted("bytes written per byte of ciphertext", of.bytes_per_byte)
                .held_to(Bound::AtMost(1.05), Bound::AtMost(1.1)),
        );
    }
    Ok(figures)
}

/// Every side in turns, so many senders each, with messages of so many bytes of ciphertext.
///
/// # Errors
/// [`BenchError`] where the disk or the store fails.
pub async fn outcome(
    folder: &Path,
    senders: usize,
    message_len: usize,
    rounds: Rounds,
) -> Result<Outcome, BenchError> {
    let folder = tempfile::tempdir_in(folder)?;
    let disk = CountingDisk::new(folder.path());
    let counts = disk.counts();
    let options = config::Store::default();
    let segment_len = options.segment_size.get();
    let engine = Embedded::open(Arc::new(disk), &options)?;
    let body = Bytes::from(vec![0x5a; message_len]);
    let numbers = Arc::new(Numbers::default());
    let warmed = committed(&engine, &numbers, senders, &body, rounds.warm()).await?;
    // What the engine writes for a message: rows, entry, checksums and padding are there too.
    let len = engine.stats().log_bytes.checked_div(warmed).unwrap_or_default();
    let message: Arc<[u8]> = vec![0x5a; usize::try_from(len)?].into();
    let mut appender = Appender::new(folder.path(), segment_len)?;
    appender.alone(&message, senders, rounds.warm())?;
    let before = Before::of(&counts, &engine);
    let mut of = Outcome::default();
    for _ in 0..rounds.count {
        let clock = Clocks::start();
        let count = appender.alone(&message, senders, rounds.each)?;
        clock.stop(count, &mut of.appended, &mut of.append_cpu_us);
        let clock = Clocks::start();
        let handed = appender.handed_over(&message, senders, rounds.each).await?;
        clock.stop(handed.1, &mut of.handed_over, &mut Sample::default());
        appender = handed.0;
        appender.tidy()?;
        let clock = Clocks::start();
        let count = committed(&engine, &numbers, senders, &body, rounds.each).await?;
        clock.stop(count, &mut of.committed, &mut of.commit_cpu_us);
    }
    before.compare(&counts, &engine, segment_len, &mut of);
    engine.close();
    Ok(of)
}

/// Messages that so many senders committed, each waiting for its answer.
async fn committed(
    engine: &Arc<Embedded>,
    numbers: &Arc<Numbers>,
    senders: usize,
    body: &Bytes,
    time: Duration,
) -> Result<u64, BenchError> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..senders)
        .map(|_| {
            let (engine, numbers, body) = (Arc::clone(engine), Arc::clone(numbers), body.clone());
            tokio::spawn(async move {
                let mut committed = 0;
                while started.elapsed() < time {
                    unit::commit(&engine, numbers.next(), &body).await?;
                    committed += 1;
                }
                Ok::<u64, CommitError>(committed)
            })
        })
        .collect();
    let mut committed = 0;
    for task in tasks {
        committed += task.await??;
    }
    Ok(committed)
}

/// Time that passed, and time that this process used.
struct Clocks {
    wall: Instant,
    cpu: Duration,
}

impl Clocks {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: cpu::of_process() }
    }

    fn stop(&self, messages: u64, per_second: &mut Sample, cpu_us: &mut Sample) {
        per_second.push(number(messages) / self.wall.elapsed().as_secs_f64());
        let used = cpu::of_process().saturating_sub(self.cpu);
        cpu_us.push(used.as_secs_f64() * 1e6 / number(messages));
    }
}

/// What was written before the rounds.
struct Before {
    log_syncs: u64,
    bytes: u64,
    stats: mbxd::store::Stats,
}

impl Before {
    fn of(counts: &Counts, engine: &Embedded) -> Self {
        let at = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Self {
            log_syncs: at(&counts.log_syncs),
            bytes: at(&counts.log_bytes) + at(&counts.index_bytes),
            stats: engine.stats(),
        }
    }

    fn compare(&self, counts: &Counts, engine: &Embedded, segment_len: u64, of: &mut Outcome) {
        let now = Self::of(counts, engine);
        let groups = number(now.stats.groups - self.stats.groups);
        // A new segment is synced before it is used.
        let segments = now.stats.log_bytes / segment_len - self.stats.log_bytes / segment_len;
        let syncs = (now.log_syncs - self.log_syncs).saturating_sub(segments);
        of.syncs_per_group = number(syncs) / groups;
        of.units_per_group = number(now.stats.units - self.stats.units) / groups;
        of.bytes_per_byte = number(now.bytes - self.bytes)
            / number(now.stats.content_bytes - self.stats.content_bytes);
    }
}
