//! Attacks, each a crowd of clients that goes on until it is dropped.

use super::local;
use super::peers::Target;
use mbx_sim::client::Peer;
use mbx_tests::installation::SERVICE;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

type Client = Pin<Box<dyn Future<Output = Option<()>> + Send>>;

/// A crowd of clients.
#[derive(Clone, Copy)]
pub(super) struct Attack {
    pub(super) name: &'static str,
    crowd: usize,
    /// Time between the first steps of two clients.
    stagger: Duration,
    /// Time from the end of what a client did to when it does it again.
    pause: Duration,
    /// What the client of this number does once.
    client: fn(Arc<Target>, usize) -> Client,
}

const fn attack(
    name: &'static str,
    crowd: usize,
    (stagger_us, pause_ms): (u64, u64),
    client: fn(Arc<Target>, usize) -> Client,
) -> Attack {
    let (stagger, pause) = (Duration::from_micros(stagger_us), Duration::from_millis(pause_ms));
    Attack { name, crowd, stagger, pause, client }
}

impl Attack {
    /// All of them.
    pub(super) fn all() -> Vec<Self> {
        vec![
            attack("10,000 silent connections", 10_000, (100, 10_000), |target, at| {
                Box::pin(said(target.door(at), b""))
            }),
            attack("10,000 half handshakes", 10_000, (100, 10_000), |target, at| {
                Box::pin(said(target.door(at), HALF_HELLO))
            }),
            attack("1,000 idle connections of one client", 1000, (5000, 30_000), |target, _| {
                Box::pin(async move { asked(&target.strangers[0], "").await })
            }),
            attack("1,000 idle connections of many clients", 1000, (5000, 30_000), |target, at| {
                Box::pin(async move { asked(target.stranger(at), "").await })
            }),
            attack("1,000 dripping headers", 1000, (5000, 10_000), |target, at| {
                Box::pin(async move { drip(target.stranger(at), HEADER, b"x: y\r\n").await })
            }),
            attack("1,000 dripping bodies", 1000, (5000, 10_000), |target, at| {
                Box::pin(async move { drip(target.stranger(at), BODY, &[b' '; 9000]).await })
            }),
            attack("bodies of 16 MiB that never come", 100, (5000, 1000), |target, _| {
                Box::pin(async move { asked(&target.flooder, PROMISE).await })
            }),
            attack("300 readers that take nothing", 300, (10_000, 5000), |target, _| {
                Box::pin(async move { unread(&target).await })
            }),
            attack("100 handshakes a second", 100, (10_000, 1000), |target, at| {
                Box::pin(async move { target.stranger(at).stream().await.ok().map(drop) })
            }),
            attack("1,000 resets a second", 1000, (1000, 1000), |target, at| {
                Box::pin(reset(target.door(at)))
            }),
            attack("500 connections of junk a second", 500, (2000, 1000), |target, at| {
                Box::pin(junk(target, at))
            }),
            attack("10 refused deliveries a second", 10, (100_000, 1000), |target, at| {
                Box::pin(async move {
                    let body = target.unknown.get(at)?.clone();
                    let mut connection = target.stranger(at).connect().await.ok()?;
                    connection.soap(SERVICE, body).await.ok().map(drop)
                })
            }),
            attack("10 unknown recipients a second", 10, (100_000, 1000), |target, _| {
                Box::pin(unknown(target))
            }),
            attack("500 local clients", 500, (1000, 1000), |target, at| {
                Box::pin(async move {
                    let path = if at.is_multiple_of(2) { &target.control } else { &target.health };
                    local::hold(path, &local_words(at)).await
                })
            }),
        ]
    }
}

/// The beginning of a `ClientHello` of 16 KiB.
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03aaaaaaaaaaaaaaaa";
const HEADER: &str = "POST /service/v3 HTTP/1.1\r\nhost: a\r\n";
const BODY: &str = "POST /service/v3 HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\n\
    content-length: 1000000\r\n\r\n";
const PROMISE: &str = "POST /service/v3 HTTP/1.1\r\nhost: a\r\ncontent-type: text/xml\r\n\
    content-length: 16777216\r\n\r\n";

/// A running attack; ends when dropped.
pub(super) struct Attackers {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Attackers {
    /// Sets the crowd on; returns when its first clients are at work.
    pub(super) fn begin(attack: Attack, target: &Arc<Target>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let target = Arc::clone(target);
        let thread = std::thread::spawn(move || {
            // Last in line for the processor: it is the daemon that is measured.
            rustix::process::setpriority_process(None, 19).ok();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                for at in 0..attack.crowd {
                    tokio::spawn(again_and_again(attack, Arc::clone(&target), at));
                }
                stopped.await.ok();
            });
        });
        std::thread::sleep(Duration::from_secs(3));
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn again_and_again(attack: Attack, target: Arc<Target>, at: usize) {
    tokio::time::sleep(attack.stagger * u32::try_from(at).unwrap_or_default()).await;
    loop {
        (attack.client)(Arc::clone(&target), at).await;
        tokio::time::sleep(attack.pause).await;
    }
}

/// A connection without TLS on which this was said; until it is closed.
async fn said(address: SocketAddr, bytes: &'static [u8]) -> Option<()> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(bytes).await.ok()?;
    stream.read_to_end(&mut Vec::new()).await.ok().map(drop)
}

/// A connection on which this was asked; until it is closed.
async fn asked(peer: &Peer, text: &str) -> Option<()> {
    let mut stream = peer.stream().await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.read_to_end(&mut Vec::new()).await.ok().map(drop)
}

/// The same, and then a little more each second.
async fn drip(peer: &Peer, text: &str, more: &[u8]) -> Option<()> {
    let mut stream = peer.stream().await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    loop {
        stream.write_all(more).await.ok()?;
        stream.flush().await.ok()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Asks for a long letter, reads its first kilobyte, and no more for half a minute.
async fn unread(target: &Target) -> Option<()> {
    let mut stream = target.portal_peer.stream().await.ok()?;
    stream.write_all(target.reader.request().as_bytes()).await.ok()?;
    stream.read_exact(&mut [0; 1024]).await.ok()?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    Some(())
}

/// Connects and hangs up as hard as can be.
async fn reset(address: SocketAddr) -> Option<()> {
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_zero_linger().ok()
}

/// Bytes that begin as TLS does, or not even so.
async fn junk(target: Arc<Target>, at: usize) -> Option<()> {
    let mut rng = ChaCha20Rng::seed_from_u64(target.seed.wrapping_add(u64::try_from(at).ok()?));
    let mut bytes = vec![0; rng.random_range(1..2000)];
    rng.fill_bytes(&mut bytes);
    for (byte, first) in bytes.iter_mut().zip([0x16, 3, 1, 0]) {
        if !at.is_multiple_of(4) {
            *byte = first;
        }
    }
    let mut stream = TcpStream::connect(target.door(at)).await.ok()?;
    stream.write_all(&bytes).await.ok()?;
    stream.read_to_end(&mut Vec::new()).await.ok().map(drop)
}

/// A sound delivery to somebody who has no mailbox.
async fn unknown(target: Arc<Target>) -> Option<()> {
    let at = rand::rng().random_range(0..target.unknown.len());
    let body = target.unknown.get(at)?.clone();
    let mut connection = target.flooder.connect().await.ok()?;
    connection.soap(SERVICE, body).await.ok().map(drop)
}

fn local_words(at: usize) -> Vec<u8> {
    match at % 8 {
        0 | 1 => Vec::new(),
        2 => b"POST /v1/login HTTP/1.1\r\nhost".to_vec(),
        4 => b"POST /v1/login HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{".to_vec(),
        6 => {
            let nested = "[".repeat(900_000);
            let len = nested.len();
            format!("POST /v1/login HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n{nested}")
                .into_bytes()
        }
        _ => b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n".repeat(200),
    }
}

impl Target {
    /// One door or the other.
    fn door(&self, at: usize) -> SocketAddr {
        if at.is_multiple_of(2) { self.authorities } else { self.portal }
    }

    /// One of the strangers, at one door or the other.
    fn stranger(&self, at: usize) -> &Peer {
        let peers = if at.is_multiple_of(2) { &self.strangers } else { &self.strangers_at_portal };
        &peers[at / 2 % peers.len()]
    }
}
