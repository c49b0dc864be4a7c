//! A listener with an endless answer behind it, and clients that are slow, silent or many.

use super::{Asked, Bounds, Client, Edge, Remote, serve};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use hyper::{Request, Response};
use mbx_sim::client::Peer;
use mbx_sim::pki::{Credentials, Pki, Use, certificates};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

const PIECE: &[u8] = &[b'x'; 64 * 1024];
/// What the kernel's two buffers of a loopback connection hold at most, and more.
const BUFFERED_LEN_MAX: usize = 64 << 20;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of answers.
#[derive(Debug)]
struct Tally {
    pieces: AtomicUsize,
    ended: Semaphore,
    refused: Semaphore,
}

/// An answer without end; its end is tallied when it is dropped.
struct Endless(Arc<Tally>);

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.pieces.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.ended.add_permits(1);
    }
}

struct Answering {
    tls: Arc<ServerConfig>,
    tally: Arc<Tally>,
}

impl Edge for Answering {
    type Body = Endless;

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        Some(Arc::clone(&self.tls))
    }

    /// By the certificate.
    fn client(&self, remote: &Remote) -> Client {
        Client::Known(format!("{:?}", remote.chain.first()))
    }

    /// Takes the whole request first.
    fn answer(
        self: Arc<Self>,
        _: Arc<Remote>,
        request: Request<Asked>,
    ) -> BoxFuture<'static, Response<Endless>> {
        Box::pin(async move {
            request.into_body().collect().await.ok();
            Response::new(Endless(Arc::clone(&self.tally)))
        })
    }

    fn refused<'a>(&'a self, _: IpAddr, _: &io::Error) -> BoxFuture<'a, ()> {
        self.tally.refused.add_permits(1);
        Box::pin(std::future::ready(()))
    }
}

struct World {
    folder: TempDir,
    pki: Pki,
    address: SocketAddr,
    tally: Arc<Tally>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl World {
    async fn new(change: impl FnOnce(&mut Bounds)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::create(folder.path()).unwrap();
        let own = pki.issue("server", Use::Server, "162021004748").unwrap();
        let mut roots = RootCertStore::empty();
        for root in certificates(&folder.path().join("root.pem")).unwrap() {
            roots.add(root).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let key = PrivatePkcs8KeyDer::from(own.key.secret_der().to_vec()).into();
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(own.chain, key)
            .unwrap();
        let mut bounds = Bounds {
            connections_max: 8,
            client_connections_max: 8,
            handshakes_max: 8,
            requests_per_connection_max: 8,
            header_timeout: PATIENCE,
            reader_grace: PATIENCE,
            reader_rate_min: 1,
            drain: PATIENCE,
        };
        change(&mut bounds);
        let tally = Arc::new(Tally {
            pieces: AtomicUsize::new(0),
            ended: Semaphore::new(0),
            refused: Semaphore::new(0),
        });
        let edge = Arc::new(Answering { tls: Arc::new(tls), tally: Arc::clone(&tally) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(edge, bounds, listener, async {
            stopped.await.ok();
        }));
        Self { folder, pki, address, tally, stop, serving }
    }

    fn client(&self, name: &str) -> Credentials {
        self.pki.issue(name, Use::Portal, "162021004748").unwrap()
    }

    /// A connection on which so much of a request was sent.
    async fn sending(&self, own: &Credentials, bytes: &str) -> Option<TlsStream<TcpStream>> {
        let roots = certificates(&self.folder.path().join("root.pem")).unwrap();
        let peer = Peer::new(self.address, &roots, Some(own)).unwrap();
        let mut stream = peer.stream().await.ok()?;
        stream.write_all(bytes.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        Some(stream)
    }

    /// A connection on which an answer has begun, if there was a place.
    async fn asking(&self, own: &Credentials) -> Option<TlsStream<TcpStream>> {
        let mut stream = self.sending(own, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await?;
        let mut first = [0; 15];
        stream.read_exact(&mut first).await.ok()?;
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        Some(stream)
    }

    async fn an_answer_ends(&self) {
        let ended = tokio::time::timeout(PATIENCE * 2, self.tally.ended.acquire()).await;
        ended.expect("the answer's body is dropped").unwrap().forget();
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_and_fills_no_memory() {
    let world = World::new(|bounds| bounds.reader_grace = Duration::from_millis(200)).await;
    let stream = world.asking(&world.client("stalled")).await.unwrap();
    world.an_answer_ends().await;
    let len = world.tally.pieces.load(Ordering::Relaxed) * PIECE.len();
    assert!(len < BUFFERED_LEN_MAX, "{len} bytes were made ready");
    drop(stream);
}

#[tokio::test]
async fn an_answer_that_drips_out_is_given_up() {
    let world = World::new(|bounds| {
        bounds.reader_grace = Duration::from_millis(200);
        bounds.reader_rate_min = 1 << 30;
    })
    .await;
    let mut stream = world.asking(&world.client("dripping")).await.unwrap();
    let dripping = async {
        let mut byte = [0; 1];
        while stream.read_exact(&mut byte).await.is_ok() {}
    };
    tokio::select! {
        () = world.an_answer_ends() => {}
        () = dripping => world.an_answer_ends().await,
    }
}

#[tokio::test]
async fn an_answer_whose_reader_goes_away_is_given_up_at_once() {
    let world = World::new(|_| ()).await;
    let began = Instant::now();
    drop(world.asking(&world.client("gone")).await.unwrap());
    world.an_answer_ends().await;
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn an_answer_that_is_read_goes_on() {
    let world = World::new(|bounds| bounds.reader_grace = Duration::from_secs(10)).await;
    let mut stream = world.asking(&world.client("reading")).await.unwrap();
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..64 {
        stream.read_exact(&mut buffer).await.unwrap();
    }
    assert_eq!(world.tally.ended.available_permits(), 0);
}

#[tokio::test]
async fn silent_clients_keep_nobody_out() {
    let world = World::new(|_| ()).await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(world.address).await.unwrap());
    }
    assert!(world.asking(&world.client("loud")).await.is_some());
    // The oldest were given up, long before their time.
    let began = Instant::now();
    let mut said = Vec::new();
    silent[0].read_to_end(&mut said).await.ok();
    assert!(said.is_empty() && began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn many_silent_clients_of_one_address_keep_another_address_waiting_for_nothing() {
    let world = World::new(|_| ()).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut patient = socket.connect(world.address).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(world.address).await.unwrap());
    }
    let mut said = Vec::new();
    silent[40].read_to_end(&mut said).await.ok();
    assert!(patient.read_u8().now_or_never().is_none(), "the one of the other address is kept");
}

/// Nothing goes on at any of them, be it that nothing was asked yet or not all of it.
async fn assert_gives_way(sent: &str) {
    let world = World::new(|bounds| {
        bounds.connections_max = 6;
        bounds.client_connections_max = 3;
    })
    .await;
    let mut waiting = Vec::new();
    for client in ["one", "two", "three", "four"] {
        let own = world.client(client);
        for _ in 0..4 {
            waiting.push(world.sending(&own, sent).await.unwrap());
        }
    }
    let newest = world.client("newest");
    let asking = tokio::time::timeout(PATIENCE, world.asking(&newest));
    assert!(asking.await.unwrap().is_some(), "{sent}");
    // And nobody waited for the end of their time.
    let began = Instant::now();
    let mut said = Vec::new();
    waiting[0].read_to_end(&mut said).await.ok();
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn idle_connections_of_many_clients_keep_nobody_out() {
    assert_gives_way("").await;
}

#[tokio::test]
async fn headers_that_never_end_keep_nobody_out() {
    assert_gives_way("GET / HTTP/1.1\r\nhost: a\r\n").await;
}

#[tokio::test]
async fn bodies_that_never_end_keep_nobody_out() {
    assert_gives_way("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
}

#[tokio::test]
async fn one_client_takes_no_more_than_its_share() {
    let world = World::new(|bounds| {
        bounds.connections_max = 4;
        bounds.client_connections_max = 2;
    })
    .await;
    let (greedy, other) = (world.client("greedy"), world.client("other"));
    let first = world.asking(&greedy).await.unwrap();
    let second = world.asking(&greedy).await.unwrap();
    assert!(world.asking(&greedy).await.is_none());
    let third = world.asking(&other).await.unwrap();
    drop(first);
    world.an_answer_ends().await;
    // The place is given back a moment after the answer.
    let began = Instant::now();
    while world.asking(&greedy).await.is_none() {
        assert!(began.elapsed() < PATIENCE, "the place is not given back");
    }
    drop((second, third));
}

#[tokio::test]
async fn a_client_without_certificate_is_accounted_for_and_gets_nothing() {
    let world = World::new(|_| ()).await;
    let roots = certificates(&world.folder.path().join("root.pem")).unwrap();
    let mut stream = Peer::new(world.address, &roots, None).unwrap().stream().await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.ok();
    assert!(said.is_empty());
    world.tally.refused.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn stopping_waits_for_answers_no_longer_than_the_drain() {
    let world = World::new(|bounds| bounds.drain = Duration::from_millis(100)).await;
    let stream = world.asking(&world.client("endless")).await.unwrap();
    let silent = TcpStream::connect(world.address).await.unwrap();
    world.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, world.serving).await.expect("it stops").unwrap();
    assert_eq!(world.tally.ended.available_permits(), 1);
    drop((stream, silent));
}
