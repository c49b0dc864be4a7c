//! What stands behind a listener, and its bounds.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Answers requests.
pub trait Edge: Send + Sync + 'static {
    /// The body of an answer. It is dropped when it was sent, and when the connection ends.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// How TLS is spoken now; asked anew for each connection. It must require a client certificate.
    /// Without it the connection is closed.
    fn tls(&self) -> Option<Arc<ServerConfig>>;

    /// Answers one request. A `connection: close` in the answer ends the connection after it.
    fn answer(
        self: Arc<Self>,
        remote: Arc<Remote>,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Response<Self::Body>>;

    /// Keeps account of a client whose handshake failed.
    fn refused<'a>(&'a self, address: IpAddr, error: &io::Error) -> BoxFuture<'a, ()>;
}

/// The other end of a connection: where it is, and the certificates that it showed, its own first.
/// They were believed in a handshake, which may have been an earlier session's: judge them anew.
#[derive(Clone, Debug)]
pub struct Remote {
    /// The network address.
    pub address: IpAddr,
    /// The certificates.
    pub chain: Vec<CertificateDer<'static>>,
}

/// Bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Open connections; further ones are closed at once.
    pub connections_max: usize,
    /// How many of them one client certificate may hold.
    pub client_connections_max: usize,
    /// Handshakes under way beside the connections; for a further one the oldest is given up.
    pub handshakes_max: usize,
    /// Requests on one connection, after which it is closed.
    pub requests_per_connection_max: u64,
    /// Time for a handshake, and for a whole request header; an idle connection is closed after it.
    pub header_timeout: Duration,
    /// How long whoever reads an answer may let it wait.
    pub reader_grace: Duration,
    /// Bytes a second that a reader takes at least; who takes fewer uses up the grace.
    pub reader_rate_min: u64,
    /// Time for requests under way when the listener stops or a connection's life is over.
    pub drain: Duration,
}

impl Bounds {
    /// Handshakes under way: a sound one lasts milliseconds, so that only silent clients fill this.
    pub const HANDSHAKES_MAX: usize = 1024;
    /// As long as [`Self::reader_grace`] by default.
    pub const READER_GRACE: Duration = Duration::from_secs(30);
    /// As fast as the slowest request body that the authorities' door bears by default.
    pub const READER_RATE_MIN: u64 = 8 * 1024;
}
