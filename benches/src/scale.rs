//! Many mailboxes and messages: starting, resident memory, and what a delivery costs there.

use crate::BenchError;
use crate::deliveries::{Delivered, deliver, enough};
use crate::figure::{Bound, Figure, Unit};
use crate::process::{peak_bytes, resident_bytes};
use crate::rounds::Rounds;
use crate::sample::{Sample, number};
use crate::site::{Counts, Site, Started};
use std::path::Path;
use std::time::Duration;

/// Part of the table.
const PART: &str = "many mailboxes and messages";

/// Mailboxes of the empty installation that the cost of a delivery is held against.
const FEW: u32 = 1000;

/// Length of the messages that are delivered.
const LEN: usize = 50 * 1024;

/// Senders at once.
const SENDERS: usize = 8;

/// Fills an installation, or takes a kept one; then starts it after an orderly end and after
/// `kill -9` under load, and delivers to it and to an empty one in turns.
///
/// # Errors
/// [`BenchError`] where filling, starting or delivering fails.
pub async fn figures(
    kept: Option<&Path>,
    counts: Counts,
    rounds: Rounds,
) -> Result<Vec<Figure>, BenchError> {
    let mut large = match kept {
        Some(folder) => Site::kept(folder, counts)?,
        None => Site::new(counts.mailboxes, counts.messages)?,
    };
    let stored = disk_bytes(&large.installation.state())?;
    let mut small = Site::new(FEW, 0)?;
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    let [mut rested, mut loaded, mut peak] = [const { Sample::new() }; 3];
    let (mut many, mut few) = (Cost::default(), Cost::default());
    for _ in 0..rounds.count {
        large.installation.stop();
        clean.push(large.start()?);
        rested.push(resident_bytes(large.installation.pid()));
        small.installation.stop();
        small.start()?;
        few.add(&delivered(&small, rounds.each).await?);
        // What comes after the last checkpoint is replayed at the next start.
        many.add(&delivered(&large, rounds.each).await?);
        loaded.push(resident_bytes(large.installation.pid()));
        peak.push(peak_bytes(large.installation.pid()));
        large.installation.kill();
        killed.push(large.start()?);
    }
    let name = |what: &str| {
        format!("{} mailboxes, {} messages: {what}", counts.mailboxes, counts.messages)
    };
    let time = |what: &str, starts: &[Started], pick: fn(&Started) -> Duration| {
        let times = starts.iter().map(|start| pick(start).as_secs_f64() * 1000.0).collect();
        Figure::alone(PART, name(what), times, Unit::Milliseconds)
    };
    let memory = |what: &str, bytes| {
        let mib = f64::from(1 << 20);
        Figure::alone(PART, name(what), bytes, Unit::Bytes)
            .held_to(Bound::AtMost(150.0 * mib), Bound::AtMost(300.0 * mib))
    };
    let against = |what: &str, many, few, unit| {
        let what = format!("{what}, against {FEW} mailboxes and none");
        Figure::ratio(PART, name(&what), many, Some(few), unit)
    };
    let each = stored / number(counts.messages);
    Ok(vec![
        time("ready after an orderly end", &clean, |start| start.ready)
            .held_to(Bound::AtMost(500.0), Bound::AtMost(1000.0)),
        time("token open after an orderly end", &clean, |start| start.open),
        time("ready after kill -9 under load", &killed, |start| start.ready)
            .held_to(Bound::AtMost(2000.0), Bound::AtMost(3000.0)),
        time("token open after kill -9", &killed, |start| start.open),
        memory("resident after the start", rested),
        memory("resident after deliveries by 8 senders", loaded),
        Figure::alone(PART, name("greatest resident memory"), peak, Unit::Bytes),
        against("processor time of a delivery", many.cpu_us, few.cpu_us, Unit::Microseconds)
            .held_to(Bound::AtMost(1.1), Bound::AtMost(1.25)),
        against("deliveries", many.per_second, few.per_second, Unit::PerSecond),
        against("p99", many.p99_ms, few.p99_ms, Unit::Milliseconds),
        Figure::alone(
            PART,
            name("on the disk for each message, keys and reserve too"),
            Sample::one(each),
            Unit::BytesExact,
        ),
    ])
}

async fn delivered(site: &Site, time: Duration) -> Result<Delivered, BenchError> {
    deliver(site, LEN, SENDERS, (enough(LEN, 3000.0, time), time)).await
}

/// What deliveries cost on one installation.
#[derive(Default)]
struct Cost {
    cpu_us: Sample,
    per_second: Sample,
    p99_ms: Sample,
}

impl Cost {
    fn add(&mut self, delivered: &Delivered) {
        let [_, _, p99_ms, _] = delivered.outcome.latency_ms;
        self.cpu_us.push(delivered.daemon_cpu_us);
        self.per_second.push(delivered.outcome.per_second);
        self.p99_ms.push(p99_ms);
    }
}

/// What a folder takes on the disk, reserved space too.
fn disk_bytes(folder: &Path) -> std::io::Result<f64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        bytes += if facts.is_dir() {
            disk_bytes(&entry.path())?
        } else {
            number(facts.blocks()) * 512.0
        };
    }
    Ok(bytes)
}
