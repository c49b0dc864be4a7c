//! The life of one connection: TLS, then requests until either side has had enough.

use super::body::Asked;
use super::edge::{Bounds, Client, Edge, Remote};
use crate::peers::{Busy, Doing, Holding, Paced, Place, Places};
use crate::telemetry::metrics;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Longest life of a connection, so that neither a revoked certificate nor a place stays for ever.
const CONNECTION_TIME_MAX: Duration = Duration::from_mins(10);

/// Longest request header, in bytes, and most fields in it.
const HEADER_LEN_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 64;

/// Bytes of a connection that are held at a time, each way.
const BUFFER_LEN_MAX: usize = 128 * 1024;

type Stream = TlsStream<Paced<TcpStream>>;

/// An answer's body; with its end its connection waits for the next request.
type Body<E> = Holding<<E as Edge>::Body, Arc<Busy<Client>>>;

/// What the connections of a listener share.
pub(super) struct House<E> {
    pub(super) edge: Arc<E>,
    pub(super) bounds: Bounds,
    /// Handshakes under way, by the networks that they come from.
    pub(super) handshakes: Arc<Places<IpAddr>>,
    /// Connections after it, by clients.
    pub(super) places: Arc<Places<Client>>,
}

impl<E: Edge> House<E> {
    /// Serves a connection to its end. It takes a handshake's place at once, if need be another's.
    pub(super) fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: IpAddr,
        stopping: &watch::Sender<()>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let place = self.handshakes.take(network(address));
        let mut stopping = stopping.subscribe();
        async move {
            let Some(handshake) = place else { return };
            let done = tokio::select! {
                _ = stopping.changed() => return,
                done = self.within_time(stream, address, &handshake) => done,
            };
            let Some(stream) = done else {
                metrics::TLS_FAILED.add_one();
                tracing::debug!(peer = %address, "TLS handshake failed");
                return;
            };
            metrics::TLS_DONE.add_one();
            let remote = Arc::new(Remote { address, chain: chain(&stream) });
            let Some(place) = self.places.take(self.edge.client(&remote)) else {
                tracing::debug!(peer = %address, "no place for a further connection");
                return;
            };
            drop(handshake);
            self.serve(stream, remote, Arc::new(place), stopping).await;
        }
    }

    /// The handshake, until it takes too long or gives way to another.
    async fn within_time(
        &self,
        stream: TcpStream,
        address: IpAddr,
        place: &Place<IpAddr>,
    ) -> Option<Stream> {
        let handshake = async {
            tokio::select! {
                stream = self.handshake(stream, address) => stream,
                () = place.given_up() => None,
            }
        };
        tokio::time::timeout(self.bounds.header_timeout, handshake).await.ok().flatten()
    }

    /// The handshake; where it fails the edge keeps account of it.
    async fn handshake(&self, stream: TcpStream, address: IpAddr) -> Option<Stream> {
        stream.set_nodelay(true).ok();
        let stream = Paced::new(stream, self.bounds.reader_grace, self.bounds.reader_rate_min);
        match TlsAcceptor::from(self.edge.tls()?).accept(stream).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                self.edge.refused(address, &error).await;
                None
            }
        }
    }

    async fn serve(
        &self,
        stream: Stream,
        remote: Arc<Remote>,
        place: Arc<Place<Client>>,
        mut stopping: watch::Receiver<()>,
    ) {
        let requests = AtomicU64::new(0);
        let service = service_fn(|request| self.answer(&requests, &remote, &place, request));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            // Who says that nothing more will come may still read the answer.
            .half_close(true)
            .header_read_timeout(self.bounds.header_timeout)
            .max_headers(HEADER_FIELDS_MAX)
            .max_header_size(HEADER_LEN_MAX)
            .max_buf_size(BUFFER_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
            () = place.given_up() => {
                serving.as_mut().graceful_shutdown();
                // Says farewell where it can be said at once.
                drop(serving.now_or_never());
                return;
            }
            _ = stopping.changed() => {}
            () = tokio::time::sleep(CONNECTION_TIME_MAX) => {}
        }
        serving.as_mut().graceful_shutdown();
        tokio::time::timeout(self.bounds.drain, serving).await.ok();
    }

    async fn answer(
        &self,
        requests: &AtomicU64,
        remote: &Arc<Remote>,
        place: &Arc<Place<Client>>,
        request: Request<Incoming>,
    ) -> Result<Response<Body<E>>, Infallible> {
        let number = requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let busy = Arc::new(place.begin());
        let request = Asked::of(request, &busy);
        let mut answer = Arc::clone(&self.edge).answer(Arc::clone(remote), request).await;
        if number >= self.bounds.requests_per_connection_max {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        busy.now(Doing::Working);
        Ok(answer.map(|body| Holding::new(body, busy)))
    }
}

/// What one client can easily have many addresses of: all of IPv6's lower half.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn chain(stream: &Stream) -> Vec<CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    chain.iter().map(|der| der.clone().into_owned()).collect()
}
