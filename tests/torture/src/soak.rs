//! A mixed load for as long as it is let: memory, descriptors and threads stay what they are.

use crate::programme::{Programme, Run};
use crate::scene::Scene;
use std::fs;
use std::time::{Duration, Instant};

/// The programme.
pub(crate) const SOAK: Programme = Programme {
    name: "soak",
    what: "mixed load; memory, descriptors and threads by the minute",
    run,
};

/// Time between two samples.
const STEP: Duration = Duration::from_mins(1);

/// A round lasts at least so long.
const AT_LEAST: Duration = Duration::from_mins(3);

/// A round that has no time of its own lasts so long.
const AT_MOST: Duration = Duration::from_mins(30);

/// Growth of resident memory that caches explain, in KiB.
const SLACK_KIB: u64 = 16 * 1024;

/// What the daemon holds.
#[derive(Clone, Copy, Debug)]
struct Sample {
    rss_kib: u64,
    descriptors: u64,
    threads: u64,
}

fn run(round: &mut Run) {
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return round.finding("no runtime can be started");
    };
    runtime.block_on(soak(round));
}

async fn soak(round: &mut Run) {
    let scene = Scene::new(String::new(), |_| {});
    let lasts = round.time_left().clamp(AT_LEAST, AT_MOST);
    let (begun, running) = (Instant::now(), scene.start_load());
    let mut samples = Vec::new();
    while begun.elapsed() < lasts {
        tokio::time::sleep(STEP.min(lasts.saturating_sub(begun.elapsed()))).await;
        let sample = Sample::of(scene.installation().pid());
        tell(&scene, begun.elapsed(), sample);
        samples.push(sample);
    }
    for finding in running.stop().await {
        round.finding(finding);
    }
    judge(round, &samples);
    round.done(u64::try_from(samples.len()).unwrap_or(u64::MAX), "minutes");
    scene.end(round, "at the end").await;
}

#[expect(clippy::print_stderr, reason = "who waits for half an hour wants to see it")]
fn tell(scene: &Scene, after: Duration, sample: Sample) {
    let Sample { rss_kib, descriptors, threads } = sample;
    eprintln!(
        "soak: {:>4} s  {rss_kib:>7} KiB resident  {descriptors:>4} descriptors  {threads:>3} threads  {:>6} deliveries",
        after.as_secs(),
        scene.delivered()
    );
}

/// A figure's unit, where it stands in a sample, and how much it may grow.
type Figure = (&'static str, fn(&Sample) -> u64, u64);

/// The second half of the time must hold no more than the first, warm-up apart.
fn judge(round: &mut Run, samples: &[Sample]) {
    let warm = samples.get(samples.len() / 3..).unwrap_or_default();
    let (before, after) = warm.split_at(warm.len() / 2);
    let figures: [Figure; 3] = [
        ("KiB resident", |sample| sample.rss_kib, SLACK_KIB),
        ("descriptors", |sample| sample.descriptors, 8),
        ("threads", |sample| sample.threads, 4),
    ];
    for (unit, figure, slack) in figures {
        let most = |samples: &[Sample]| samples.iter().map(figure).max().unwrap_or_default();
        let (before, after) = (most(before), most(after));
        if after > before.saturating_add(slack) {
            round.finding(format_args!("{unit}: {before} at first, {after} later"));
        }
    }
}

impl Sample {
    fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        let open = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        Self {
            rss_kib: figure("VmRSS:"),
            descriptors: u64::try_from(open).unwrap_or_default(),
            threads: figure("Threads:"),
        }
    }
}
