//! `notify` to a thousand recipients: how many a second, and that the content is stored once.

use crate::BenchError;
use crate::figure::{Bound, Figure, Unit};
use crate::process::cpu_seconds;
use crate::rounds::Rounds;
use crate::sample::{Sample, length, number};
use crate::site::Site;
use bytes::Bytes;
use mbx_common::limit::NOTIFY_RECIPIENTS_MAX;
use mbx_sim::client::Peer;
use mbx_sim::delivery::{Message, notify};
use mbx_sim::identity;
use mbx_sim::load::Outcome;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use mbx_tests::installation::{AUTHORITY, SERVICE};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Part of the table.
const PART: &str = "notify to 1,000 recipients";

/// Calls at once.
const CALLERS: u32 = 4;

/// Characters of the message's text: some pages.
const TEXT_LEN: usize = 10_000;

/// Rate and bytes, on a site with at least a thousand mailboxes.
///
/// # Errors
/// [`BenchError`] where a call is not answered as delivered to all.
pub async fn figures(site: &Site, rounds: Rounds) -> Result<Vec<Figure>, BenchError> {
    let many: Vec<String> =
        (0..u32::try_from(NOTIFY_RECIPIENTS_MAX)?).map(identity::person).collect();
    let single = many.get(..1).unwrap_or_default();
    let calls = Calls::default();
    calls.run(site, &many, rounds.warm()).await?;
    let [mut per_second, mut p50_ms, mut cpu_us] = [const { Sample::new() }; 3];
    let [mut content, mut content_of_one, mut log] = [const { Sample::new() }; 3];
    for _ in 0..rounds.count {
        let (before, used) = (Stored::of(site)?, cpu_seconds(site.installation.pid()));
        let outcome = calls.run(site, &many, rounds.each).await?;
        let used = cpu_seconds(site.installation.pid()) - used;
        let (now, made) = (Stored::of(site)?, number(outcome.acknowledged));
        let recipients = made * length(many.len());
        per_second.push(outcome.per_second * length(many.len()));
        p50_ms.push(outcome.latency_ms[0]);
        cpu_us.push(used * 1e6 / recipients);
        content.push((now.content - before.content) / made);
        log.push((now.log - before.log) / recipients);
        let before = Stored::of(site)?;
        let outcome = calls.run(site, single, rounds.warm()).await?;
        let now = Stored::of(site)?;
        content_of_one.push((now.content - before.content) / number(outcome.acknowledged));
    }
    let stored = "content stored for each call, against a call to one recipient";
    Ok(vec![
        Figure::alone(PART, "recipients a second, 4 callers", per_second, Unit::PerSecond)
            .held_to_exactly(Bound::AtLeast(20_000.0)),
        Figure::alone(PART, "p50 of a call", p50_ms, Unit::Milliseconds),
        Figure::alone(
            PART,
            "processor time of the daemon for each recipient",
            cpu_us,
            Unit::Microseconds,
        ),
        Figure::ratio(PART, stored, content, Some(content_of_one), Unit::BytesExact)
            .held_to_exactly(Bound::AtMost(1.01)),
        Figure::alone(PART, "bytes of the log for each recipient", log, Unit::BytesExact),
    ])
}

/// What the daemon wrote since its start, in bytes.
struct Stored {
    log: f64,
    content: f64,
}

impl Stored {
    fn of(site: &Site) -> Result<Self, BenchError> {
        let text = site.installation.metrics();
        let value = |name: &str| -> Result<f64, BenchError> {
            let of_name = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
            let found = text.lines().find_map(of_name);
            found.ok_or_else(|| format!("the metrics tell nothing of {name}").into())
        };
        Ok(Self {
            log: value("mbx_store_log_bytes_total")?,
            content: value("mbx_store_content_bytes_total")?,
        })
    }
}

/// Calls that differ from one another, so that none is a repeat.
#[derive(Default)]
struct Calls(AtomicU64);

impl Calls {
    /// Calls in closed loops for some time.
    async fn run(
        &self,
        site: &Site,
        recipients: &[String],
        time: Duration,
    ) -> Result<Outcome, BenchError> {
        let (door, _) = site.authority()?;
        let mut callers = Vec::new();
        for _ in 0..CALLERS {
            callers.push((door.connect().await?, door.clone()));
        }
        // One document each, of which only the mark changes from call to call.
        let started = Instant::now();
        let tasks: Vec<_> = callers
            .into_iter()
            .map(|(mut connection, door): (_, Peer)| {
                let first = self.0.fetch_add(1 << 32, Ordering::Relaxed);
                let template = Template::new(recipients);
                tokio::spawn(async move {
                    let mut latencies = Vec::new();
                    while started.elapsed() < time {
                        if connection.is_closing() {
                            connection = door.connect().await?;
                        }
                        let mark = first + u64::try_from(latencies.len())?;
                        let document = template.with(mark);
                        let sent = Instant::now();
                        let answer = connection.soap(SERVICE, document).await?;
                        latencies.push(sent.elapsed());
                        match Reply::parse(&answer.body)? {
                            Reply::Result { statuses, .. }
                                if statuses.iter().all(|(_, delivered)| *delivered) => {}
                            reply @ (Reply::Result { .. } | Reply::Fault { .. }) => {
                                return Err(format!("a notify got {reply:.200?}").into());
                            }
                        }
                    }
                    Ok::<_, BenchError>(latencies)
                })
            })
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await??);
        }
        Ok(Outcome::of(latencies, 0, started.elapsed()))
    }
}

/// A call's document before and behind its mark.
struct Template {
    before: String,
    behind: String,
}

impl Template {
    const MARK: &str = "0000000000000000";

    fn new(recipients: &[String]) -> Self {
        let text = "A notice to everybody. ".repeat(TEXT_LEN / 23);
        let message = Message::text(Self::MARK, "A notice", &text);
        let tree = notify(AUTHORITY, "Load", recipients, &message);
        let document = envelope(&tree, Style::Prefixed);
        let (before, behind) = document.split_once(Self::MARK).unwrap_or_default();
        Self { before: before.to_owned(), behind: behind.to_owned() }
    }

    fn with(&self, mark: u64) -> Bytes {
        format!("{}{mark:016x}{}", self.before, self.behind).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_one_template_differ_in_their_mark_alone() {
        let template = Template::new(&[identity::person(1)]);
        let [first, second] = [1, 2].map(|mark| template.with(mark));
        assert_eq!(first.len(), second.len());
        assert_eq!(first.iter().zip(&second).filter(|(a, b)| a != b).count(), 1);
        let text = String::from_utf8(first.to_vec()).unwrap();
        assert!(text.contains("0000000000000001") && text.ends_with("Envelope>"));
    }
}
