//! The whole path: TLS with client certificates, SOAP, two signatures, encryption, one sync, answer.

use crate::BenchError;
use crate::figure::{Bound, Figure, Unit};
use crate::peer::{Dovecot, PeerOutcome};
use crate::process::cpu_seconds;
use crate::rounds::Rounds;
use crate::sample::{Sample, length, number};
use crate::site::Site;
use mbx_sim::load::{self, Outcome};
use std::time::Duration;

/// Part of the table.
const PART: &str = "deliveries, whole path, against LMTP + mail_crypt";

/// A document that an e-mail of 100 bytes holds 73 bytes of: base64 in lines and headers are the
/// rest. Both sides carry the same document; ours has XML, certificates and signatures besides.
pub const DOCUMENT_PERCENT: usize = 73;

/// Most memory for deliveries that are signed beforehand.
const PREPARED_BYTES_MAX: usize = 768 * 1024 * 1024;

/// Message length and senders.
const CASES: [(&str, usize, usize); 4] = [
    ("50 KB", 50 * 1024, 1),
    ("50 KB", 50 * 1024, 8),
    ("300 KB", 300 * 1024, 1),
    ("300 KB", 300 * 1024, 8),
];

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

/// What sending some deliveries gave.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Rate and latencies.
    pub outcome: Outcome,
    /// Processor time of the daemon for each delivery, in microseconds.
    pub daemon_cpu_us: f64,
    /// The load generator's part of the processor time of both.
    pub generator_share: f64,
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
) -> Result<Delivered, BenchError> {
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
    let daemon_cpu_us = daemon * 1e6 / number(outcome.acknowledged);
    Ok(Delivered { outcome, daemon_cpu_us, generator_share: generator / (generator + daemon) })
}

/// How many deliveries of a length last for some time at this rate, within what memory may hold.
pub fn enough(len: usize, rate: f64, time: Duration) -> u64 {
    // A third more than the rate needs.
    let wanted = rate * time.as_secs_f64() * 1.35;
    let most = length(PREPARED_BYTES_MAX) / (length(len) * 4.0 / 3.0);
    let mut count = 64;
    while number(count) < wanted.min(most) {
        count += 64;
    }
    count
}

async fn case(
    site: &Site,
    peer: Option<&Dovecot>,
    rounds: Rounds,
    (name, len, senders): (&str, usize, usize),
) -> Result<Vec<Figure>, BenchError> {
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    let [mut cpu_us, mut shares] = [const { Sample::new() }; 2];
    let warm = rounds.warm();
    let first = deliver(site, len, senders, (enough(len, 4000.0, warm), warm)).await?;
    let mut rate = first.outcome.per_second;
    for _ in 0..rounds.count {
        if let Some(peer) = peer {
            theirs.add(peer.deliver(len, senders, rounds.each)?);
        }
        let count = enough(len, rate, rounds.each);
        let delivered = deliver(site, len, senders, (count, rounds.each)).await?;
        let Outcome { per_second, latency_ms: [p50_ms, _, p99_ms, _], .. } = delivered.outcome;
        rate = rate.max(per_second);
        ours.add(PeerOutcome { per_second, p50_ms, p99_ms });
        cpu_us.push(delivered.daemon_cpu_us);
        shares.push(delivered.generator_share);
    }
    let many = if senders == 1 { "sender" } else { "senders" };
    let name = |what: &str| format!("{name}, {senders} {many}: {what}");
    let figure = |what: &str, of: fn(&Side) -> &Sample, unit| {
        let against = peer.map(|_| of(&theirs).clone());
        Figure::ratio(PART, name(what), of(&ours).clone(), against, unit)
    };
    let per_second = figure("acknowledged", |side| &side.per_second, Unit::PerSecond);
    let p99 = figure("p99", |side| &side.p99_ms, Unit::Milliseconds);
    let (goal, floor) = if len > 100_000 { (4.0, 2.5) } else { (10.0, 5.0) };
    // The goals were set for many senders at once.
    let (per_second, p99) = if senders == 1 {
        (per_second, p99)
    } else {
        (
            per_second.held_to(Bound::AtLeast(goal), Bound::AtLeast(floor)),
            p99.held_to(Bound::AtMost(0.5), Bound::AtMost(1.0)),
        )
    };
    let alone = |what: &str, sample, unit| Figure::alone(PART, name(what), sample, unit);
    Ok(vec![
        per_second,
        figure("p50", |side| &side.p50_ms, Unit::Milliseconds),
        p99,
        alone("processor time of the daemon for each", cpu_us, Unit::Microseconds),
        alone("load generator's part of the processor time", shares, Unit::Percent),
    ])
}

/// One side's rounds.
#[derive(Default)]
struct Side {
    per_second: Sample,
    p50_ms: Sample,
    p99_ms: Sample,
}

impl Side {
    fn add(&mut self, outcome: PeerOutcome) {
        self.per_second.push(outcome.per_second);
        self.p50_ms.push(outcome.p50_ms);
        self.p99_ms.push(outcome.p99_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_deliveries_are_signed_for_the_time_and_no_more_than_memory_holds() {
        let second = Duration::from_secs(1);
        assert_eq!(enough(50 * 1024, 1000.0, second), 1408);
        assert_eq!(enough(50 * 1024, 0.0, second), 64);
        let large = enough(1024 * 1024, 100_000.0, second);
        assert_eq!(large, 576);
    }
}
