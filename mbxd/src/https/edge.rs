//! What stands behind a listener, and its bounds.

use super::body::Asked;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Body;
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
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static;

    /// How TLS is spoken now; asked anew for each connection. It must require a client certificate.
    /// Without it the connection is closed.
    fn tls(&self) -> Option<Arc<ServerConfig>>;

    /// Whose a connection is where it is about shares: equal for all that count as one client's.
    fn client(&self, remote: &Remote) -> Client;

    /// Answers one request. A `connection: close` in the answer ends the connection after it.
    fn answer(
        self: Arc<Self>,
        remote: Arc<Remote>,
        request: Request<Asked>,
    ) -> BoxFuture<'static, Response<Self::Body>>;

    /// Keeps account of a client whose handshake failed.
    fn refused<'a>(&'a self, address: IpAddr, error: &io::Error) -> BoxFuture<'a, ()>;
}

/// What tells clients apart, however many certificates each has.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Client {
    /// One that the door knows by this name.
    Known(String),
    /// All others together.
    Stranger,
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
    /// Open connections. For a further one that at which nothing goes on is closed; where there is
    /// none, the further one.
    pub connections_max: usize,
    /// How many of them one client may hold.
    pub client_connections_max: usize,
    /// Handshakes under way beside the connections; for a further one the oldest is given up of
    /// the address with the most.
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
    /// Sockets at a time: every connection and handshake, the listener, and one just accepted.
    pub const fn sockets_max(&self) -> usize {
        self.connections_max.saturating_add(self.handshakes_max).saturating_add(2)
    }

    /// Handshakes under way at one door. A sound one lasts milliseconds, so that only silent clients
    /// fill this; each may make the daemon keep 64 KiB, and a file descriptor of a thousand.
    pub const HANDSHAKES_MAX: usize = 176;
}
