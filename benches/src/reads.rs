//! Reading a message of 50 KB through the portal API: assertion, level of assurance, key, audit
//! entry, decryption.

use crate::BenchError;
use crate::deliveries::deliver;
use crate::figure::{Bound, Figure, Unit};
use crate::peer::Dovecot;
use crate::process::cpu_seconds;
use crate::rounds::Rounds;
use crate::sample::{Sample, number};
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
    let [mut opened, mut p50, mut p99, mut cpu_us] = [const { Sample::new() }; 4];
    let (mut fetched, mut fetch_p50, mut fetch_p99) = (Sample::new(), Sample::new(), Sample::new());
    read(&portal, rounds.warm()).await?;
    for _ in 0..rounds.count {
        if let Some(peer) = peer {
            let of = peer.fetch(usize::try_from(READERS)?, rounds.each)?;
            fetched.push(of.per_second);
            fetch_p50.push(of.p50_ms);
            fetch_p99.push(of.p99_ms);
        }
        let before = cpu_seconds(site.installation.pid());
        let of = read(&portal, rounds.each).await?;
        let used = cpu_seconds(site.installation.pid()) - before;
        let [p50_ms, _, p99_ms, _] = of.latency_ms;
        opened.push(of.per_second);
        p50.push(p50_ms);
        p99.push(p99_ms);
        cpu_us.push(used * 1e6 / number(of.acknowledged));
    }
    let name = |what: &str| format!("{READERS} readers: {what}");
    let against = |of: Sample| peer.map(|_| of);
    Ok(vec![
        Figure::ratio(PART, name("opened"), opened, against(fetched), Unit::PerSecond)
            .held_to(Bound::AtLeast(10.0), Bound::AtLeast(5.0)),
        Figure::ratio(PART, name("p50"), p50, against(fetch_p50), Unit::Milliseconds),
        Figure::ratio(PART, name("p99"), p99, against(fetch_p99), Unit::Milliseconds),
        Figure::alone(PART, name("processor time of the daemon"), cpu_us, Unit::Microseconds),
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
