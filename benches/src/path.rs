//! The whole path: TLS with client certificates, SOAP, two signatures, encryption, one sync, answer.

use crate::BenchError;
use crate::peer::{Dovecot, PeerOutcome};
use crate::process::cpu_seconds;
use crate::report::{Bound, Figure, Unit, median, number};
use crate::site::Site;
use mbx_sim::load::{self, Outcome};
use std::time::Duration;

/// Part of the table.
const PART: &str = "deliveries, whole path, against LMTP + mail_crypt";

/// A document that an e-mail of 100 bytes holds 73 bytes of: base64 in lines and headers are the
/// rest. Both sides carry the same document; ours has XML, certificates and signatures besides.
const DOCUMENT_PERCENT: usize = 73;

/// Most memory for deliveries that are signed beforehand.
const PREPARED_BYTES_MAX: usize = 768 * 1024 * 1024;

/// Message length and senders.
const CASES: [(&str, usize, usize); 4] = [
    ("50 KB", 50 * 1024, 1),
    ("50 KB", 50 * 1024, 8),
    ("300 KB", 300 * 1024, 1),
    ("300 KB", 300 * 1024, 8),
];

/// How long each round takes, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Rounds.
    pub count: u32,
    /// Time for each side in each.
    pub each: Duration,
}

/// One side's rounds.
#[derive(Default)]
struct Side {
    per_second: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// Every case; the peer and we take turns.
///
/// # Errors
/// [`BenchError`] where a side fails.
pub async fn figures(
    site: &Site,
    peer: Option<&Dovecot>,
    rounds: Rounds,
) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for (name, len, senders) in CASES {
        figures.extend(case(site, peer, rounds, (name, len, senders)).await?);
    }
    Ok(figures)
}

/// Signs so many deliveries, then sends them for some time.
///
/// # Errors
/// [`BenchError`] where signing or connecting fails, or a delivery was not acknowledged.
pub async fn deliver(
    site: &Site,
    len: usize,
    senders: usize,
    (count, time): (u64, Duration),
) -> Result<(Outcome, f64), BenchError> {
    let (door, signer) = site.authority()?;
    let plan = site.plan(len * DOCUMENT_PERCENT / 100, senders, count);
    let signing = plan.clone();
    let ready = tokio::task::spawn_blocking(move || load::prepare(&signer, &signing)).await??;
    let pids = [std::process::id(), site.installation.pid()];
    let before = pids.map(cpu_seconds);
    let outcome = load::run_prepared(&door, &plan, ready, time).await?;
    let after = pids.map(cpu_seconds);
    let [generator, daemon] = [after[0] - before[0], after[1] - before[1]];
    if outcome.failed > 0 {
        return Err(format!("{} deliveries were not acknowledged", outcome.failed).into());
    }
    Ok((outcome, generator / (generator + daemon)))
}

async fn case(
    site: &Site,
    peer: Option<&Dovecot>,
    rounds: Rounds,
    (name, len, senders): (&str, usize, usize),
) -> Result<Vec<Figure>, BenchError> {
    let (mut ours, mut theirs, mut parts) = (Side::default(), Side::default(), Vec::new());
    let most = u64::try_from(PREPARED_BYTES_MAX / (len * 4 / 3))?;
    let warm = rounds.each / 4;
    let (first, _) = deliver(site, len, senders, (most.min(2000), warm)).await?;
    let mut rate = first.per_second;
    for _ in 0..rounds.count {
        if let Some(peer) = peer {
            theirs.add_peer(peer.deliver(len, senders, rounds.each)?);
        }
        let count = enough(rate, rounds.each).min(most);
        let (outcome, part) = deliver(site, len, senders, (count, rounds.each)).await?;
        rate = rate.max(outcome.per_second);
        ours.add(&outcome);
        parts.push(part);
    }
    let name = |what: &str| {
        format!("{name}, {senders} {}: {what}", if senders == 1 { "sender" } else { "senders" })
    };
    let (ours, theirs) = (ours.medians(), peer.map(|_| theirs.medians()));
    let figure = |what: &str, of: fn(PeerOutcome) -> f64, unit| {
        Figure::ratio(PART, name(what), of(ours), theirs.map(of), unit)
    };
    let per_second = figure("acknowledged", |side| side.per_second, Unit::PerSecond);
    let p50 = figure("p50", |side| side.p50_ms, Unit::Milliseconds);
    let p99 = figure("p99", |side| side.p99_ms, Unit::Milliseconds);
    let share =
        Figure::alone(PART, name("load generator's part of the CPU"), median(parts), Unit::Percent);
    let (goal, floor) = if len > 100_000 { (4.0, 2.5) } else { (10.0, 5.0) };
    // The goals were set for many senders at once.
    let (per_second, p99) = if senders == 1 {
        (per_second, p99)
    } else {
        (
            per_second.held_to_ratio(Bound::AtLeast(goal), Bound::AtLeast(floor)),
            p99.held_to_ratio(Bound::AtMost(0.5), Bound::AtMost(1.0)),
        )
    };
    Ok(vec![per_second, p50, p99, share])
}

/// A third more than the rate needs, so that they last for the round.
fn enough(rate: f64, time: Duration) -> u64 {
    let wanted = rate * time.as_secs_f64() * 1.35;
    let mut count = 64;
    while number(count) < wanted {
        count += 64;
    }
    count
}

impl Side {
    fn add(&mut self, outcome: &Outcome) {
        let [p50_ms, _, p99_ms, _] = outcome.latency_ms;
        self.add_peer(PeerOutcome { per_second: outcome.per_second, p50_ms, p99_ms });
    }

    fn add_peer(&mut self, outcome: PeerOutcome) {
        self.per_second.push(outcome.per_second);
        self.p50_ms.push(outcome.p50_ms);
        self.p99_ms.push(outcome.p99_ms);
    }

    fn medians(self) -> PeerOutcome {
        PeerOutcome {
            per_second: median(self.per_second),
            p50_ms: median(self.p50_ms),
            p99_ms: median(self.p99_ms),
        }
    }
}
