//! Starting and resident memory with many mailboxes and messages.

use crate::BenchError;
use crate::path::deliver;
use crate::process::{peak_bytes, resident_bytes};
use crate::report::{Bound, Figure, Unit, median};
use crate::site::{Site, Started};
use std::time::Duration;

/// Part of the table.
const PART: &str = "starting and memory";

/// Most deliveries before each kill: they are signed beforehand, which takes longer than sending.
const DELIVERIES: u64 = 5000;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Mailboxes.
    pub mailboxes: u32,
    /// Messages, small ones.
    pub messages: u64,
}

/// Fills an installation, then starts it after an orderly end and after `kill -9` under load.
///
/// # Errors
/// [`BenchError`] where filling, starting or delivering fails.
pub async fn figures(counts: Counts, rounds: u32) -> Result<Vec<Figure>, BenchError> {
    let mut site = Site::new(counts.mailboxes, counts.messages)?;
    let (mut clean, mut killed) = (Vec::new(), Vec::new());
    let (mut rested, mut loaded) = (Vec::new(), Vec::new());
    let mut peak: f64 = 0.0;
    for _ in 0..rounds {
        site.installation.stop();
        clean.push(site.start()?);
        rested.push(resident_bytes(site.installation.pid()));
        // What comes after the last checkpoint is replayed at the start.
        deliver(&site, 50 * 1024, 8, (DELIVERIES, Duration::from_secs(3))).await?;
        loaded.push(resident_bytes(site.installation.pid()));
        peak = peak.max(peak_bytes(site.installation.pid()));
        site.installation.kill();
        killed.push(site.start()?);
    }
    let name = |what: &str| {
        format!("{} mailboxes, {} messages: {what}", counts.mailboxes, counts.messages)
    };
    let time = |what: &str, starts: &[Started], pick: fn(&Started) -> Duration| {
        let times = starts.iter().map(|start| pick(start).as_secs_f64() * 1000.0).collect();
        Figure::alone(PART, name(what), median(times), Unit::Milliseconds)
    };
    let memory = |what: &str, bytes| {
        let mib = f64::from(1 << 20);
        Figure::alone(PART, name(what), bytes, Unit::Bytes)
            .held_to(Bound::AtMost(150.0 * mib), Bound::AtMost(300.0 * mib))
    };
    let within = |goal, floor| {
        move |figure: Figure| figure.held_to(Bound::AtMost(goal), Bound::AtMost(floor))
    };
    Ok(vec![
        within(500.0, 1000.0)(time("ready after an orderly end", &clean, |start| start.ready)),
        time("token open after an orderly end", &clean, |start| start.open),
        within(2000.0, 3000.0)(time("ready after kill -9 under load", &killed, |start| {
            start.ready
        })),
        time("token open after kill -9", &killed, |start| start.open),
        memory("resident after the start", median(rested)),
        memory("resident after deliveries by 8 senders", median(loaded)),
        Figure::alone(PART, name("greatest resident memory"), peak, Unit::Bytes),
    ])
}
