//! Deliveries, reads and registrations that go on while something is wrong.

use crate::installation::{FIRST, Installation, SERVICE};
use mbx_sim::delivery::Message;
use mbx_sim::error::SimError;
use mbx_sim::identity;
use mbx_sim::ledger::{Ledger, Line, Sent, hex};
use mbx_sim::load::filler;
use mbx_sim::marshal::Style;
use mbx_sim::portal::Portal;
use mbx_sim::soap::Reply;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const THREE: u8 = 3;

/// Longest time that any answer may take: several times the token's deadline.
const ANSWER: Duration = Duration::from_secs(15);

/// Every so many deliveries, one is large.
const LARGE_EVERY: usize = 16;

/// Octets of a large one's attachment.
const LARGE: usize = 200_000;

/// Numbers of people who are registered on the way begin here.
const NEWCOMERS: u32 = 1000;

/// What the load takes for right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strictness {
    /// Nothing but the token is wrong: every delivery is accepted, every read has an answer.
    Token,
    /// Whatever passes may be refused, and the daemon may be gone; nothing wrong may be said or
    /// shown, and nothing refused for good.
    Anything,
}

/// Whoever delivers, reads and registers.
#[derive(Clone, Debug)]
pub struct Load(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    installation: Arc<Installation>,
    strictness: Strictness,
    ledger: Ledger,
    path: PathBuf,
    people: Mutex<Vec<String>>,
    /// Digest of the body by mark.
    sent: Mutex<HashMap<String, String>>,
    newcomers: AtomicU32,
    deliveries: AtomicU64,
    reads: AtomicU64,
    registered: AtomicU64,
}

/// A load that runs.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<Vec<String>>,
    stop: Arc<AtomicBool>,
}

impl Running {
    /// Ends it; gives what was wrong.
    pub async fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut findings = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            findings.extend(ended.unwrap_or_else(|error| vec![format!("the load: {error}")]));
        }
        findings
    }
}

impl Load {
    /// For these people to begin with.
    pub fn new(
        installation: Arc<Installation>,
        people: Vec<String>,
        strictness: Strictness,
    ) -> Self {
        let path = installation.path("ledger.jsonl");
        let ledger = Ledger::open(&path).expect("a ledger");
        Self(Arc::new(Inner {
            installation,
            strictness,
            ledger,
            path,
            newcomers: AtomicU32::new(NEWCOMERS + u32::try_from(people.len()).unwrap_or_default()),
            people: Mutex::new(people),
            sent: Mutex::default(),
            deliveries: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            registered: AtomicU64::new(0),
        }))
    }

    /// Deliveries acknowledged, messages read, people registered.
    pub fn counts(&self) -> (u64, u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.0.deliveries), count(&self.0.reads), count(&self.0.registered))
    }

    /// Where the ledger lies.
    pub fn ledger(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// Begins to deliver, to read with two readers, and to register.
    pub fn start(&self) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().deliver(Arc::clone(&stop)));
        for first in 0..2 {
            tasks.spawn(self.clone().read(Arc::clone(&stop), first));
        }
        tasks.spawn(self.clone().register(Arc::clone(&stop)));
        Running { tasks, stop }
    }

    /// How long it takes until every tier of somebody's mailbox can be read; `None` where that is
    /// longer than `limit`.
    pub async fn reads_resume(&self, limit: Duration) -> Option<Duration> {
        let portal = self.0.installation.portal();
        let start = Instant::now();
        while start.elapsed() < limit {
            let mut all = true;
            for person in self.people().into_iter().take(3) {
                let claims = portal.claims(&person, THREE);
                let answer = portal.call("GET", "/v1/messages", &claims).await;
                all &= answer.is_ok_and(|answer| answer.status == 200);
            }
            if all {
                return Some(start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// Everybody who has a mailbox.
    pub fn people(&self) -> Vec<String> {
        self.0.people.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// No fault of the token is any business of a delivery: each is accepted.
    async fn deliver(self, stop: Arc<AtomicBool>) -> Vec<String> {
        let mut findings = Vec::new();
        for number in 0_usize.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let people = self.people();
            let recipient = people.get(number % people.len()).cloned().unwrap_or_default();
            let mark = format!("{:032x}", rand::random::<u128>());
            let text = format!("Message {number} with mark {mark}");
            let body = hex(&Sha256::digest(&text));
            self.note(&Line::Sent(Sent {
                mark: mark.clone(),
                recipient: recipient.clone(),
                body: body.clone(),
            }));
            self.sent().insert(mark.clone(), body);
            let mut message = Message::text(mark.clone(), mark.clone(), &text);
            if number % LARGE_EVERY == LARGE_EVERY - 1 {
                message = message.with_pdf("letter.pdf", filler(0, LARGE));
            }
            let sent = Instant::now();
            match self.send(&recipient, message).await {
                Ok(Reply::Result { trans_id, statuses }) if all_delivered(&statuses) => {
                    self.note(&Line::Acknowledged { mark, trans_id });
                    self.0.deliveries.fetch_add(1, Ordering::Relaxed);
                }
                other => {
                    self.note(&Line::Open { mark });
                    if !self.is_borne(&other) {
                        findings.push(format!("a delivery was not accepted: {other:?}"));
                    }
                }
            }
            if sent.elapsed() > ANSWER {
                findings.push(format!("a delivery took {:?}", sent.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        findings
    }

    async fn send(&self, recipient: &str, message: Message) -> Result<Reply, SimError> {
        let installation = &self.0.installation;
        let document = installation.signed(recipient, message, Style::Prefixed);
        let mut connection = installation.sender("authority").connect().await?;
        let answer = connection.soap(SERVICE, document.into()).await?;
        Reply::parse(&answer.body)
    }

    /// Whether a delivery may have this outcome.
    fn is_borne(&self, outcome: &Result<Reply, SimError>) -> bool {
        let passes = matches!(outcome, Ok(Reply::Fault { error_code: 1..=4999, .. }) | Err(_));
        passes && self.0.strictness == Strictness::Anything
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, line: &Line) {
        self.0.ledger.note(line).expect("the ledger");
    }

    /// What is read is right, or refused as something that passes.
    async fn read(self, stop: Arc<AtomicBool>, first: usize) -> Vec<String> {
        let portal = self.0.installation.portal();
        let mut findings = Vec::new();
        for number in first.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let people = self.people();
            let person = people.get(number % people.len()).cloned().unwrap_or_default();
            let begun = Instant::now();
            if let Err(finding) = self.read_one(&portal, &person, number).await {
                findings.push(finding);
            }
            if begun.elapsed() > 2 * ANSWER {
                findings.push(format!("reading took {:?}", begun.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        findings
    }

    /// A body; `None` where it is refused and may be.
    async fn get(
        &self,
        portal: &Portal,
        person: &str,
        path: &str,
    ) -> Result<Option<Vec<u8>>, String> {
        let answer = portal.call("GET", path, &portal.claims(person, THREE)).await;
        let anything = self.0.strictness == Strictness::Anything;
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) if anything => return Ok(None),
            Err(error) => return Err(format!("no answer to {path}: {error}")),
        };
        let passes = answer.headers.contains_key("retry-after");
        match answer.status {
            200 => Ok(Some(answer.body.to_vec())),
            503 if passes => Ok(None),
            // A record that the token refuses alone.
            500 => Ok(None),
            // A clock that is wrong makes every assertion too old or too new.
            401 | 503 if anything => Ok(None),
            status => {
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                Err(format!("{path} was answered with {status}: {said}"))
            }
        }
    }

    async fn read_one(&self, portal: &Portal, person: &str, number: usize) -> Result<(), String> {
        let Some(list) = self.get(portal, person, "/v1/messages").await? else { return Ok(()) };
        let list: Page = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
        let place = number % list.messages.len().max(1);
        let Some(Listed { id, subject }) = list.messages.get(place) else { return Ok(()) };
        let subject = subject.as_deref().unwrap_or_default();
        let wanted = self.sent().get(subject).cloned();
        let path = format!("/v1/messages/{id}/parts/0");
        let Some(body) = self.get(portal, person, &path).await? else { return Ok(()) };
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        // What an earlier load sent is compared at the end, by the ledger.
        if wanted.is_none_or(|wanted| wanted == hex(&Sha256::digest(&body))) {
            Ok(())
        } else {
            Err(format!("{subject:?} was read as {:?}", String::from_utf8_lossy(&body)))
        }
    }

    /// Whoever is registered can be delivered to and read; whoever is not can be later.
    async fn register(self, stop: Arc<AtomicBool>) -> Vec<String> {
        let mut findings = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let index = self.0.newcomers.fetch_add(1, Ordering::Relaxed);
            let person = identity::person(index);
            let installation = Arc::clone(&self.0.installation);
            let asked = person.clone();
            let asked = tokio::task::spawn_blocking(move || {
                let what = ["--kind", "person", "--loa", "3", "--reference", "test"];
                let arguments = [&["user", "register", &asked], &what[..]].concat();
                installation.mbxctl(FIRST, &arguments)
            });
            let output = asked.await.expect("mbxctl runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                self.0.registered.fetch_add(1, Ordering::Relaxed);
                self.0.people.lock().unwrap_or_else(PoisonError::into_inner).push(person);
            } else if self.0.strictness == Strictness::Token && !said.contains("MBX-") {
                findings.push(format!("a registration failed without a reason: {said}"));
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        findings
    }
}

/// A page of the list.
#[derive(Debug, Deserialize)]
struct Page {
    messages: Vec<Listed>,
}

/// A message as it is listed.
#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    subject: Option<String>,
}

fn all_delivered(statuses: &[(String, bool)]) -> bool {
    statuses.iter().all(|(_, delivered)| *delivered)
}
