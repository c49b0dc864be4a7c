//! Reading a message of 50 KB through the portal API: assertion, level of assurance, key, audit
//! entry, decryption.

use crate::BenchError;
use crate::path::{Rounds, deliver};
use crate::peer::Dovecot;
use crate::report::{Bound, Figure, Unit, median};
use crate::site::Site;
use mbx_sim::identity;
use mbx_sim::load::Outcome;
use mbx_sim::portal::{Claims, Portal, request};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Part of the table.
const PART: &str = "reads of a 50 KB message, against an IMAP fetch";

/// Readers at once, each a holder with a session of their own.
const READERS: u32 = 4;

/// Deliveries that give the readers something to read: four for each mailbox.
const DELIVERIES: u64 = 800;

/// Assertions made beforehand for each reader and second: they hold for a minute only.
const ASSERTIONS_PER_SECOND: f64 = 2500.0;

/// The peer and we take turns.
///
/// # Errors
/// [`BenchError`] where a side fails.
pub async fn figures(
    site: &Site,
    peer: Option<&Dovecot>,
    rounds: Rounds,
) -> Result<Vec<Figure>, BenchError> {
    deliver(site, 50 * 1024, 8, (DELIVERIES, Duration::from_mins(1))).await?;
    let portal = Arc::new(site.installation.portal());
    let (mut ours, mut theirs) = (Sides::default(), Sides::default());
    read(&portal, rounds.each / 4).await?;
    for _ in 0..rounds.count {
        if let Some(peer) = peer {
            let fetched = peer.fetch(usize::try_from(READERS)?, rounds.each)?;
            theirs.add(fetched.per_second, fetched.p99_ms);
        }
        let read = read(&portal, rounds.each).await?;
        let [_, _, p99_ms, _] = read.latency_ms;
        ours.add(read.per_second, p99_ms);
    }
    let (ours, theirs) = (ours.medians(), peer.map(|_| theirs.medians()));
    let name = |what: &str| format!("{READERS} readers: {what}");
    Ok(vec![
        Figure::ratio(PART, name("opened"), ours.0, theirs.map(|of| of.0), Unit::PerSecond)
            .held_to_ratio(Bound::AtLeast(10.0), Bound::AtLeast(5.0)),
        Figure::ratio(PART, name("p99"), ours.1, theirs.map(|of| of.1), Unit::Milliseconds),
    ])
}

/// Reads the attachment of random messages in closed loops, each with an assertion of its own.
async fn read(portal: &Arc<Portal>, time: Duration) -> Result<Outcome, BenchError> {
    let mut readers = Vec::new();
    for index in 0..READERS {
        readers.push(Reader::new(Arc::clone(portal), index, time).await?);
    }
    let start = Instant::now();
    let tasks: Vec<_> =
        readers.into_iter().map(|reader| tokio::spawn(reader.run(start, time))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Outcome::of(latencies, 0, start.elapsed()))
}

/// A holder who reads one message after another.
struct Reader {
    connection: mbx_sim::client::Connection,
    messages: Vec<String>,
    assertions: Vec<String>,
}

impl Reader {
    async fn new(portal: Arc<Portal>, index: u32, time: Duration) -> Result<Self, BenchError> {
        let person = identity::person(index);
        let session = portal.claims(&person, 3);
        let mut connection = portal.connect().await?;
        let list = request("GET", "/v1/messages?limit=100", &portal.assertion(&session)?, &[])?;
        let list: Value = serde_json::from_slice(&connection.request(list).await?.body)?;
        let listed = list.get("messages").and_then(Value::as_array);
        let id = |message: &Value| message.get("id")?.as_str().map(str::to_owned);
        let messages: Vec<String> = listed.into_iter().flatten().filter_map(id).collect();
        if messages.is_empty() {
            return Err("a reader has no message".into());
        }
        let assertions =
            tokio::task::spawn_blocking(move || assertions(&portal, &session, time)).await??;
        Ok(Self { connection, messages, assertions })
    }

    /// Latencies of every read.
    async fn run(mut self, start: Instant, time: Duration) -> Result<Vec<Duration>, BenchError> {
        let mut latencies = Vec::new();
        for (assertion, message) in self.assertions.iter().zip(self.messages.iter().cycle()) {
            if start.elapsed() >= time {
                break;
            }
            let request =
                request("GET", &format!("/v1/messages/{message}/parts/1"), assertion, &[])?;
            let sent = Instant::now();
            let answer = self.connection.request(request).await?;
            latencies.push(sent.elapsed());
            if answer.status != 200 || answer.body.len() < 30_000 {
                return Err(format!("a read was answered with HTTP {}", answer.status).into());
            }
        }
        Ok(latencies)
    }
}

/// Assertions of one session, each good for one opening.
fn assertions(
    portal: &Portal,
    session: &Claims,
    time: Duration,
) -> Result<Vec<String>, BenchError> {
    let mut left = time.as_secs_f64() * ASSERTIONS_PER_SECOND;
    let mut assertions = Vec::new();
    while left > 0.0 {
        let fresh = portal.claims(&session.sub, 3);
        // The time of identification is what makes it the same session.
        let claims = Claims { auth_time: session.auth_time, ..fresh };
        assertions.push(portal.assertion(&claims)?);
        left -= 1.0;
    }
    Ok(assertions)
}

#[derive(Default)]
struct Sides {
    per_second: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Sides {
    fn add(&mut self, per_second: f64, p99_ms: f64) {
        self.per_second.push(per_second);
        self.p99_ms.push(p99_ms);
    }

    fn medians(self) -> (f64, f64) {
        (median(self.per_second), median(self.p99_ms))
    }
}
