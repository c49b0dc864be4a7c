//! The listener: connections, TLS, the life of a connection, stopping.

use super::body::Bounds;
use super::budget::Budget;
use super::content::Rules;
use super::description::Description;
use super::http::{Caller, Service};
use super::pipeline::Pipeline;
use super::port::{Intake, Screen};
use super::soap::PrescanLimits;
use crate::clock::Clock;
use crate::config;
use crate::registers::Senders;
use crate::telemetry::metrics;
use crate::trust::{self, Trust};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Longest life of a connection: a client that never reads its answer holds a place no longer.
const CONNECTION_TIME_MAX: Duration = Duration::from_mins(10);

/// Longest request header, in bytes, and most fields in it.
const HEADER_LEN_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 64;

/// Bytes of a connection that are read at a time.
const READ_LEN_MAX: usize = 128 * 1024;

/// Pause after a failed accept (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the door cannot open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// `body_max` is above its limit.
    #[error("[delivery] body_max is at most {}", config::Delivery::BODY_MAX_LIMIT)]
    BodyMax,
    /// One longest request does not fit into `memory_max`.
    #[error("[delivery] memory_max must hold three times body_max")]
    Memory,
    /// `path` is no absolute path.
    #[error("[delivery] path begins with / and has neither ? nor #")]
    Path,
}

/// What stands behind the door.
#[derive(Clone)]
pub struct Behind {
    /// Whom it believes.
    pub trust: Trust,
    /// Who may deliver.
    pub senders: Senders,
    /// Takes deliveries.
    pub intake: Arc<dyn Intake>,
    /// Looks for malware.
    pub screen: Arc<dyn Screen>,
    /// Tells the time.
    pub clock: Clock,
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Behind({:?}, {:?})", self.trust, self.senders)
    }
}

/// The authorities' door.
pub struct Door {
    service: Arc<Service>,
    trust: Trust,
    connections: Arc<Semaphore>,
    requests_max: u64,
    header_timeout: Duration,
    drain: Duration,
}

impl Door {
    /// A door by its configuration.
    ///
    /// # Errors
    /// [`DoorError`] where the configuration contradicts itself.
    pub fn new(config: &config::Delivery, behind: Behind) -> Result<Self, DoorError> {
        if config.body_max > config::Delivery::BODY_MAX_LIMIT {
            return Err(DoorError::BodyMax);
        }
        if !config.path.starts_with('/') || config.path.contains(['?', '#']) {
            return Err(DoorError::Path);
        }
        let turns = match config.verify_parallel {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            some => some,
        };
        let budget = Budget::new(config.memory_max.get(), turns, config.verify_waiting_max);
        if budget.room() < config.body_max.get() {
            return Err(DoorError::Memory);
        }
        let pipeline = Pipeline {
            trust: behind.trust.clone(),
            senders: behind.senders,
            intake: behind.intake,
            screen: behind.screen,
            rules: Rules::new(config),
            limits: PrescanLimits::default(),
            budget,
        };
        Ok(Self {
            service: Arc::new(Service {
                pipeline: Arc::new(pipeline),
                description: Description::new(&config.public_address),
                path: config.path.clone(),
                bounds: Bounds {
                    len_max: config.body_max.get(),
                    time_max: config.body_timeout.duration(),
                    rate_min: config.body_rate_min.get(),
                },
                clock: behind.clock,
            }),
            trust: behind.trust,
            connections: Arc::new(Semaphore::new(config.connections_max)),
            requests_max: config.requests_per_connection_max,
            header_timeout: config.header_timeout.duration(),
            drain: config.drain.duration(),
        })
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
        // Deliveries whose callers hung up go on; they too get their time.
        tokio::time::timeout(self.drain, self.service.pipeline.budget.idle()).await.ok();
    }

    /// TLS, then requests until either side has had enough.
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        place: OwnedSemaphorePermit,
        mut stopping: watch::Receiver<()>,
    ) {
        let handshake =
            tokio::time::timeout(self.header_timeout, self.handshake(stream, address.ip()));
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
        let connection = Arc::new(Connection {
            door: Arc::clone(&self),
            caller: caller(&stream, address.ip()),
            requests: AtomicU64::new(0),
        });
        let service = service_fn(move |request| {
            let connection = Arc::clone(&connection);
            async move { Ok::<_, Infallible>(connection.answer(request).await) }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_headers(HEADER_FIELDS_MAX)
            .max_header_size(HEADER_LEN_MAX)
            .max_buf_size(READ_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            _ = stopping.changed() => {}
            () = tokio::time::sleep(CONNECTION_TIME_MAX) => {}
        }
        serving.as_mut().graceful_shutdown();
        tokio::time::timeout(self.drain, serving).await.ok();
        drop(place);
    }

    /// The handshake; where the client's certificate is refused, account is kept of it.
    async fn handshake(&self, stream: TcpStream, from: IpAddr) -> Option<TlsStream<TcpStream>> {
        stream.set_nodelay(true).ok();
        let tls = self.trust.tls(trust::Door::Authorities)?;
        match TlsAcceptor::from(tls).accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                if let Some(refused) = trust::refused_in_handshake(&error) {
                    self.service.refused_in_handshake(from, refused).await;
                }
                None
            }
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.service.path)
    }
}

/// A connection with the number of its requests.
struct Connection {
    door: Arc<Door>,
    caller: Caller,
    requests: AtomicU64,
}

impl Connection {
    async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> hyper::Response<http_body_util::Full<bytes::Bytes>> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut answer = self.door.service.answer(&self.caller, request).await;
        if answer.close || number >= self.door.requests_max {
            let close = HeaderValue::from_static("close");
            answer.response.headers_mut().insert(header::CONNECTION, close);
        }
        answer.response
    }
}

fn caller(stream: &TlsStream<TcpStream>, address: IpAddr) -> Caller {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    Caller { address, chain: chain.iter().map(|der| der.clone().into_owned()).collect() }
}
