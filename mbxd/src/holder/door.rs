//! The door: what stands behind it, its bounds, its edge to HTTPS.

use super::answer::Body;
use super::http::{Client, Service};
use super::portals::{InForce, Portals, PortalsError};
use super::problem::Refused;
use crate::clock::Clock;
use crate::config;
use crate::https::{self, Edge, Remote};
use crate::mailbox::Mailboxes;
use crate::telemetry::metrics;
use crate::trust::{self, Trust};
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Request, Response};
use mbx_common::explain;
use mbx_common::id::RequestId;
use rustls::ServerConfig;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Bounds of the listener. A portal keeps a pool of a few dozen connections, and is mostly alone.
const BOUNDS: https::Bounds = https::Bounds {
    connections_max: 512,
    client_connections_max: 512,
    handshakes_max: https::Bounds::HANDSHAKES_MAX,
    requests_per_connection_max: u64::MAX,
    header_timeout: Duration::from_secs(30),
    reader_grace: https::Bounds::READER_GRACE,
    reader_rate_min: https::Bounds::READER_RATE_MIN,
    drain: Duration::from_secs(20),
};

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
}

impl Door {
    /// A door by its configuration; the portals' key files are read.
    ///
    /// # Errors
    /// [`PortalsError`] where the section or a key file cannot be used.
    pub fn new(config: &config::Portal, behind: Behind) -> Result<Self, PortalsError> {
        let Behind { mailboxes, trust, clock } = behind;
        let requests = usize::try_from(config.requests_max.max(1)).unwrap_or(usize::MAX);
        let turns = Arc::new(Semaphore::new(requests.min(Semaphore::MAX_PERMITS)));
        let portals = InForce::new(Portals::load(config)?);
        Ok(Self { service: Service { mailboxes, portals, clock, turns }, trust })
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
        https::serve(self, BOUNDS, listener, stop).await;
    }
}

impl Edge for Door {
    type Body = Body;

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.trust.tls(trust::Door::Portal)
    }

    /// The chain is judged anew for each request: a connection does not outlive a revocation.
    fn answer(
        self: Arc<Self>,
        remote: Arc<Remote>,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            match self.trust.check_client(trust::Door::Portal, &remote.chain) {
                Ok(peer) => {
                    let address = remote.address;
                    let client = Client { address, certificate: peer.fingerprint };
                    self.service.answer(client, request).await
                }
                Err(error) => {
                    metrics::READS_REFUSED.add_one();
                    tracing::warn!(peer = %remote.address, %error, "portal's certificate refused");
                    let request = RequestId::from_bytes(crate::random::bytes());
                    Refused::of(explain::PORTAL_UNKNOWN).answer(request)
                }
            }
        })
    }

    fn refused<'a>(&'a self, _address: IpAddr, _error: &io::Error) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door(portals)")
    }
}
