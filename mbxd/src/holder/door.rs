//! The listener: connections, TLS, the life of a connection, stopping.

use super::answer::Answer;
use super::http::{Client, Service};
use super::portals::{InForce, Portals, PortalsError};
use super::problem::Refused;
use crate::clock::Clock;
use crate::config;
use crate::mailbox::Mailboxes;
use crate::telemetry::metrics;
use crate::trust::{self, Trust};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, body};
use hyper_util::rt::{TokioIo, TokioTimer};
use mbx_common::explain;
use mbx_common::id::RequestId;
use rustls::pki_types::CertificateDer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Connections at most: a portal keeps a pool of a few dozen.
const CONNECTIONS_MAX: usize = 512;
/// Longest life of a connection, so that a revoked certificate does not stay.
const CONNECTION_TIME_MAX: Duration = Duration::from_mins(10);
/// How long a handshake or a request's header may take, and a connection stand idle.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long requests under way may take when the door closes.
const DRAIN: Duration = Duration::from_secs(20);
/// Longest request header, in bytes: an assertion is the longest field.
const HEADER_LEN_MAX: usize = 16 * 1024;
/// Most fields of a request header.
const HEADER_FIELDS_MAX: usize = 64;
/// Pause after a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What stands behind the door.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The mailboxes.
    pub mailboxes: Mailboxes,
    /// TLS and whom it believes.
    pub trust: Trust,
    /// The time.
    pub clock: Clock,
}

/// Portals that are read and checked, not yet in force.
#[derive(Debug)]
pub struct Prepared(Portals);

/// The portals' door.
pub struct Door {
    service: Service,
    trust: Trust,
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

impl Door {
    /// A door by its configuration; the portals' key files are read.
    ///
    /// # Errors
    /// [`PortalsError`] where the section or a key file cannot be used.
    pub fn new(config: &config::Portal, behind: Behind) -> Result<Self, PortalsError> {
        let Behind { mailboxes, trust, clock } = behind;
        let requests = usize::try_from(config.requests_max.max(1)).unwrap_or(usize::MAX);
        let requests = requests.min(Semaphore::MAX_PERMITS);
        Ok(Self {
            service: Service { mailboxes, portals: InForce::new(Portals::load(config)?), clock },
            trust,
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            requests: Arc::new(Semaphore::new(requests)),
        })
    }

    /// Reads the section and every key file again, without putting them in force.
    ///
    /// # Errors
    /// [`PortalsError`].
    pub fn prepare(config: &config::Portal) -> Result<Prepared, PortalsError> {
        Portals::load(config).map(Prepared)
    }

    /// Puts prepared portals, their keys, levels and ceilings in force for requests that begin from
    /// now on. Address and bounds take effect at the next start.
    pub fn adopt(&self, prepared: Prepared) {
        self.service.portals.replace(prepared.0);
    }

    /// Serves connections until `stop` is done; then takes no more and gives those under way time
    /// to finish.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let (stopping, _) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => accepted,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, address)) => {
                    // Where no place is free the connection is closed at once.
                    if let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() {
                        let (door, stopping) = (Arc::clone(&self), stopping.subscribe());
                        connections.spawn(door.connection(stream, address, place, stopping));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        stopping.send(()).ok();
        while connections.join_next().await.is_some() {}
    }

    /// TLS, then requests until either side has had enough.
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        place: OwnedSemaphorePermit,
        mut stopping: watch::Receiver<()>,
    ) {
        let handshake = tokio::time::timeout(HEADER_TIME_MAX, self.handshake(stream));
        let stream = tokio::select! {
            _ = stopping.changed() => return,
            done = handshake => done.ok().flatten(),
        };
        let Some(stream) = stream else {
            metrics::TLS_FAILED.add_one();
            tracing::debug!(peer = %address.ip(), "TLS handshake failed");
            return;
        };
        metrics::TLS_DONE.add_one();
        let chain = Arc::new(chain(&stream));
        let door = Arc::clone(&self);
        let service = service_fn(move |request| answering(&door, address, &chain, request));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME_MAX)
            .max_headers(HEADER_FIELDS_MAX)
            .max_header_size(HEADER_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            _ = stopping.changed() => {}
            () = tokio::time::sleep(CONNECTION_TIME_MAX) => {}
        }
        serving.as_mut().graceful_shutdown();
        tokio::time::timeout(DRAIN, serving).await.ok();
        drop(place);
    }

    async fn handshake(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        stream.set_nodelay(true).ok();
        let tls = self.trust.tls(trust::Door::Portal)?;
        TlsAcceptor::from(tls).accept(stream).await.ok()
    }

    /// The chain is judged anew for each request: a connection does not outlive a revocation.
    async fn answer(
        &self,
        address: SocketAddr,
        chain: &[CertificateDer<'static>],
        request: Request<body::Incoming>,
    ) -> Answer {
        let id = || RequestId::from_bytes(crate::random::bytes());
        let Ok(_turn) = self.requests.try_acquire() else {
            metrics::READS_FAILED.add_one();
            return Refused::busy().answer(id());
        };
        match self.trust.check_client(trust::Door::Portal, chain) {
            Ok(peer) => {
                let client = Client { address: address.ip(), certificate: peer.fingerprint };
                self.service.answer(client, request).await
            }
            Err(error) => {
                metrics::READS_REFUSED.add_one();
                tracing::warn!(peer = %address.ip(), %error, "portal's certificate refused");
                Refused::of(explain::PORTAL_UNKNOWN).answer(id())
            }
        }
    }
}

/// One request, boxed: the types of so deep a future are too much for the compiler otherwise.
fn answering(
    door: &Arc<Door>,
    address: SocketAddr,
    chain: &Arc<Vec<CertificateDer<'static>>>,
    request: Request<body::Incoming>,
) -> BoxFuture<'static, Result<Answer, Infallible>> {
    let (door, chain) = (Arc::clone(door), Arc::clone(chain));
    async move { Ok(door.answer(address, &chain, request).await) }.boxed()
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door(portals)")
    }
}

fn chain(stream: &TlsStream<TcpStream>) -> Vec<CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    chain.iter().map(|der| der.clone().into_owned()).collect()
}
