//! The life of one connection: TLS, then requests until either side has had enough.

use super::edge::{Bounds, Edge, Remote};
use super::pace::Paced;
use super::places::Places;
use crate::telemetry::metrics;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
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

/// What the connections of a listener share.
pub(super) struct House<E> {
    pub(super) edge: Arc<E>,
    pub(super) bounds: Bounds,
    pub(super) places: Arc<Places>,
}

impl<E: Edge> House<E> {
    /// Serves a connection to its end; its handshake is given up when `given_up` ends.
    pub(super) async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: IpAddr,
        given_up: oneshot::Receiver<()>,
        mut stopping: watch::Receiver<()>,
    ) {
        let handshake = tokio::time::timeout(self.bounds.header_timeout, async {
            tokio::select! {
                stream = self.handshake(stream, address) => stream,
                _ = given_up => None,
            }
        });
        let stream = tokio::select! {
            _ = stopping.changed() => return,
            done = handshake => done.ok().flatten(),
        };
        let Some(stream) = stream else {
            metrics::TLS_FAILED.add_one();
            tracing::debug!(peer = %address, "TLS handshake failed");
            return;
        };
        metrics::TLS_DONE.add_one();
        let remote = Arc::new(Remote { address, chain: chain(&stream) });
        let Some(place) = remote.chain.first().and_then(|own| self.places.take(own)) else {
            tracing::debug!(peer = %address, "no place for a further connection");
            return;
        };
        self.serve(stream, remote, stopping).await;
        drop(place);
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

    async fn serve(&self, stream: Stream, remote: Arc<Remote>, mut stopping: watch::Receiver<()>) {
        let requests = AtomicU64::new(0);
        let service = service_fn(|request| self.answer(&requests, &remote, request));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.header_timeout)
            .max_headers(HEADER_FIELDS_MAX)
            .max_header_size(HEADER_LEN_MAX)
            .max_buf_size(BUFFER_LEN_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        tokio::select! {
            _ = serving.as_mut() => return,
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
        request: Request<Incoming>,
    ) -> Result<Response<E::Body>, Infallible> {
        let number = requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut answer = Arc::clone(&self.edge).answer(Arc::clone(remote), request).await;
        if number >= self.bounds.requests_per_connection_max {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}

fn chain(stream: &Stream) -> Vec<CertificateDer<'static>> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    chain.iter().map(|der| der.clone().into_owned()).collect()
}
