//! Load: closed loops (each worker waits for its answer) and open loops (a fixed rate).

use crate::client::{Connection, Peer};
use crate::delivery::{Delivery, Message};
use crate::error::SimError;
use crate::ledger::{Ledger, Line, Sent, hex};
use crate::marshal::{Style, envelope};
use crate::sign::Signer;
use crate::soap::Reply;
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Path of the Service port.
    pub path: String,
    /// The authority, 12 digits.
    pub sender: String,
    /// For whom, in turn; 12 digits each.
    pub recipients: Vec<String>,
    /// Octets of the attachment.
    pub size: usize,
    /// Workers, each with a connection of its own.
    pub workers: usize,
    /// Deliveries in all.
    pub count: u64,
    /// Deliveries a second in all, for an open loop; `None` = closed loops.
    pub rate: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Deliveries answered as delivered.
    pub acknowledged: u64,
    /// Answered otherwise, or not at all.
    pub failed: u64,
    /// Seconds from the first to the last.
    pub seconds: f64,
    /// Deliveries a second.
    pub per_second: f64,
    /// Latency quantiles in milliseconds: 50, 90, 99, 100 %.
    pub latency_ms: [f64; 4],
}

/// A delivery made beforehand, so that signing takes nothing from whoever is measured.
#[derive(Debug)]
pub struct Prepared {
    sent: Sent,
    document: Bytes,
}

/// Signs every delivery of the plan, on every core.
///
/// # Errors
/// [`SimError`] where a key cannot sign.
pub fn prepare(signer: &Signer, plan: &Plan) -> Result<Vec<Prepared>, SimError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let step = u64::try_from(cores).unwrap_or(1);
    let shares = std::thread::scope(|scope| {
        let share = |first| {
            scope.spawn(move || {
                let indexes = (first..plan.count).step_by(cores);
                indexes.map(|index| plan.prepared(signer, index)).collect::<Result<Vec<_>, _>>()
            })
        };
        let shares: Vec<_> = (0..step).map(share).collect();
        let joined = shares.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|share| share.unwrap_or_else(|_| Err(SimError::Usage("signing ended".to_owned()))))
            .collect::<Result<Vec<_>, _>>()
    })?;
    Ok(shares.into_iter().flatten().collect())
}

/// Sends deliveries made beforehand in closed loops, each worker on a connection that is open
/// before the clock starts; for so long, or until none is left.
///
/// # Errors
/// [`SimError`] where a worker cannot connect; a delivery that fails is counted, not an error.
pub async fn run_prepared(
    peer: &Peer,
    plan: &Plan,
    prepared: Vec<Prepared>,
    time: Duration,
) -> Result<Outcome, SimError> {
    let mut connections = Vec::with_capacity(plan.workers);
    for _ in 0..plan.workers {
        connections.push(peer.connect().await?);
    }
    let prepared = Arc::new(Mutex::new(prepared));
    let start = Instant::now();
    let workers: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let (prepared, path) = (Arc::clone(&prepared), plan.path.clone());
            let peer = peer.clone();
            tokio::spawn(async move {
                let (mut latencies, mut failed) = (Vec::new(), 0);
                while start.elapsed() < time {
                    let next = prepared.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(next) = next else { break };
                    if connection.is_closing()
                        && let Ok(opened) = peer.connect().await
                    {
                        connection = opened;
                    }
                    let sent = Instant::now();
                    match deliver(&mut connection, &path, next.document).await {
                        Some(_) => latencies.push(sent.elapsed()),
                        None => failed += 1,
                    }
                }
                (latencies, failed)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    let mut failed = 0;
    for worker in workers {
        let done = worker.await.map_err(|error| SimError::Connection(error.to_string()))?;
        latencies.extend(done.0);
        failed += done.1;
    }
    Ok(Outcome::of(latencies, failed, start.elapsed()))
}

/// Sends the plan's deliveries; every delivery is signed before the clock starts for it.
///
/// # Errors
/// [`SimError`] where the ledger cannot be written or a key cannot sign; a peer that fails is
/// counted, not an error.
pub async fn run(
    peer: &Peer,
    signer: &Arc<Signer>,
    plan: &Plan,
    ledger: Option<Arc<Ledger>>,
) -> Result<Outcome, SimError> {
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let workers: Vec<_> = (0..plan.workers)
        .map(|_| {
            let worker = Worker {
                peer: peer.clone(),
                signer: Arc::clone(signer),
                plan: plan.clone(),
                ledger: ledger.clone(),
                next: Arc::clone(&next),
                start,
            };
            tokio::spawn(worker.run())
        })
        .collect();
    let mut latencies = Vec::new();
    let mut failed = 0;
    for worker in workers {
        let done = worker.await.map_err(|error| SimError::Connection(error.to_string()))??;
        latencies.extend(done.0);
        failed += done.1;
    }
    Ok(Outcome::of(latencies, failed, start.elapsed()))
}

impl Outcome {
    /// Of the latencies of what was done, what failed, and the time it all took.
    pub fn of(mut latencies: Vec<Duration>, failed: u64, time: Duration) -> Self {
        latencies.sort_unstable();
        let acknowledged = u64::try_from(latencies.len()).unwrap_or_default();
        let seconds = time.as_secs_f64();
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "to be read")]
        let per_second = acknowledged as f64 / seconds;
        let latency_ms = [50, 90, 99, 100].map(|percent| quantile(&latencies, percent));
        Self { acknowledged, failed, seconds, per_second, latency_ms }
    }
}

fn quantile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
}

struct Worker {
    peer: Peer,
    signer: Arc<Signer>,
    plan: Plan,
    ledger: Option<Arc<Ledger>>,
    next: Arc<AtomicU64>,
    start: Instant,
}

impl Worker {
    /// Latencies of the acknowledged, and how many were not.
    async fn run(self) -> Result<(Vec<Duration>, u64), SimError> {
        let mut latencies = Vec::new();
        let mut failed = 0;
        let mut connection = None;
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.plan.count {
                return Ok((latencies, failed));
            }
            let Prepared { sent, document } = self.plan.prepared(&self.signer, index)?;
            self.note(&Line::Sent(sent.clone()))?;
            let due = self.wait(index).await;
            let trans_id = match &mut connection {
                Some(open) => deliver(open, &self.plan.path, document).await,
                closed => match self.peer.connect().await {
                    Ok(open) => deliver(closed.insert(open), &self.plan.path, document).await,
                    Err(_) => None,
                },
            };
            connection = connection.filter(|open| !open.is_closing());
            if let Some(trans_id) = trans_id {
                latencies.push(due.elapsed());
                self.note(&Line::Acknowledged { mark: sent.mark, trans_id })?;
            } else {
                failed += 1;
                connection = None;
                self.note(&Line::Open { mark: sent.mark })?;
            }
        }
    }

    /// In an open loop waits until the delivery is due; latency counts from then.
    async fn wait(&self, index: u64) -> Instant {
        let Some(rate) = self.plan.rate else { return Instant::now() };
        #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts are small")]
        let due = self.start + Duration::from_secs_f64(index as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        due
    }

    fn note(&self, line: &Line) -> Result<(), SimError> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.note(line))
    }
}

impl Plan {
    /// Makes and signs one delivery.
    fn prepared(&self, signer: &Signer, index: u64) -> Result<Prepared, SimError> {
        let recipients = u64::try_from(self.recipients.len()).unwrap_or(1).max(1);
        let place = usize::try_from(index % recipients).unwrap_or_default();
        let recipient = self.recipients.get(place).cloned().unwrap_or_default();
        let mark = format!("{:032x}", rand::random::<u128>());
        let text = format!("Message {index} with mark {mark}");
        let message = Message::text(mark.clone(), mark.clone(), &text)
            .with_pdf("letter.pdf", filler(index, self.size));
        let delivery = Delivery {
            sender: self.sender.clone(),
            sender_name: "Load".to_owned(),
            recipient: recipient.clone(),
            correlation: None,
            messages: vec![message],
        };
        let tree = delivery.sealed(signer, signer)?;
        let sent = Sent { mark, recipient, body: hex(&Sha256::digest(text)) };
        Ok(Prepared { sent, document: Bytes::from(envelope(&tree, Style::Prefixed)) })
    }
}

/// Posts a delivery; its `TransId` where it was delivered to everybody.
async fn deliver(connection: &mut Connection, path: &str, document: Bytes) -> Option<String> {
    let answer = connection.soap(path, document).await.ok()?;
    match Reply::parse(&answer.body).ok()? {
        Reply::Result { trans_id, statuses } => {
            statuses.iter().all(|(_, delivered)| *delivered).then_some(trans_id)
        }
        Reply::Fault { .. } => None,
    }
}

/// Octets that begin as a PDF does and do not compress.
pub fn filler(seed: u64, len: usize) -> Vec<u8> {
    use rand::{Rng as _, SeedableRng as _};
    let mut octets = b"%PDF-1.7\n".to_vec();
    let start = octets.len();
    octets.resize(len.max(start), 0);
    if let Some(rest) = octets.get_mut(start..) {
        rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(rest);
    }
    octets
}
