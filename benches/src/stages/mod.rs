//! Processor time of a delivery, stage by stage, each against its own limit of the same run.
//!
//! The stages are the very functions that the daemon calls, on one thread, with a delivery as the
//! load generator signs it; what is timed is processor time, so that other programs add nothing.
//! The sum is compared with what the daemon's process uses for a delivery on its whole path: the
//! rest is HTTP, hand-overs between threads, rows, and the kernel's part of the network.

mod delivery;
mod limits;
mod stage;
mod tls;

use crate::BenchError;
use crate::deliveries::{DOCUMENT_PERCENT, deliver, enough};
use crate::engine;
use crate::figure::{Figure, Unit};
use crate::rounds::Rounds;
use crate::sample::Sample;
use crate::site::Site;
use delivery::Judging;
use limits::Limits;
use stage::Stage;
use std::path::Path;
use tls::Records;

/// Parts of the table, one for each length.
const SIZES: [(&str, usize); 2] = [
    ("processor time of a delivery by stage, 50 KB, one thread", 50 * 1024),
    ("processor time of a delivery by stage, 300 KB, one thread", 300 * 1024),
];

/// Senders that share a sync, where committing is measured.
const SENDERS: usize = 8;

/// Each length.
///
/// # Errors
/// [`BenchError`] where a stage refuses the delivery.
pub async fn figures(
    site: &Site,
    folder: &Path,
    rounds: Rounds,
) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for (part, len) in SIZES {
        figures.extend(at(site, folder, rounds, (part, len)).await?);
    }
    Ok(figures)
}

async fn at(
    site: &Site,
    folder: &Path,
    rounds: Rounds,
    (part, len): (&'static str, usize),
) -> Result<Vec<Figure>, BenchError> {
    let document = len * DOCUMENT_PERCENT / 100;
    let judging = Judging::new(site, document).await?;
    let mut records = Records::new(site, &judging)?;
    let mut limits = Limits::new(judging.payload(), document)?;
    // A twentieth each: some twenty measurements make a round.
    let each = rounds.each / 20;
    let mut stages = judging.stages(&mut records, &mut limits, each)?;
    for _ in 1..rounds.count {
        let again = judging.stages(&mut records, &mut limits, each)?;
        for (stage, again) in stages.iter_mut().zip(again) {
            stage.ours.push(again.ours.median());
            stage.limit.push(again.limit.median());
        }
    }
    let committed = engine::outcome(folder, SENDERS, document, rounds).await?;
    stages.push(Stage {
        name: "commit, 8 at once: against append + fdatasync",
        ours: committed.commit_cpu_us,
        limit: committed.append_cpu_us,
    });
    let sum =
        stages.iter().skip(1).fold(
            stages.first().map(|stage| stage.ours.clone()).unwrap_or_default(),
            |sum, stage| sum.with(&stage.ours, |sum, own| sum + own),
        );
    let mut whole = Sample::new();
    for _ in 0..rounds.count {
        let count = enough(len, 2000.0, rounds.each);
        let delivered = deliver(site, len, SENDERS, (count, rounds.each)).await?;
        whole.push(delivered.daemon_cpu_us);
    }
    let rest = whole.with(&sum, |whole, sum| whole - sum);
    let held = stages.into_iter().map(|Stage { name, ours, limit }| {
        Figure::ratio(part, name, ours, Some(limit), Unit::Microseconds)
    });
    let alone = |name: &str, of| Figure::alone(part, name, of, Unit::Microseconds);
    Ok(held
        .chain([
            alone("sum of the stages", sum),
            alone("the daemon's process for each delivery, 8 senders", whole),
            alone("the rest: HTTP, hand-overs, rows, the kernel's network", rest),
        ])
        .collect())
}
