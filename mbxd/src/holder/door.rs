//! The door: what stands behind it, its bounds, its edge to HTTPS.

use super::answer::Body;
use super::http::{Client, Service};
use super::portals::{InForce, Portals, PortalsError};
use super::problem::Refused;
use crate::clock::Clock;
use crate::config;
use crate::https::{self, Asked, Client as Caller, Edge, Remote};
use crate::mailbox::Mailboxes;
use crate::peers;
use crate::telemetry::{Seldom, metrics};
use crate::trust::{self, Trust};
use futures_util::future::BoxFuture;
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
    connections_max: 192,
    client_connections_max: 144,
    handshakes_max: https::Bounds::HANDSHAKES_MAX,
    requests_per_connection_max: u64::MAX,
    header_timeout: Duration::from_secs(30),
    reader_grace: peers::GRACE,
    reader_rate_min: peers::RATE_MIN,
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
    /// Requests on connections whose certificate is believed no more.
    refused: Seldom,
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
        Ok(Self {
            service: Service { mailboxes, portals, clock, turns },
            trust,
            refused: Seldom::default(),
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

    /// Sockets that it may hold at a time.
    pub const fn sockets_max() -> usize {
        BOUNDS.sockets_max()
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

    /// By its portal; whoever has another certificate of the same issuers is a stranger.
    fn client(&self, remote: &Remote) -> Caller {
        let peer = self.trust.check_client(trust::Door::Portal, &remote.chain).ok();
        let portal = peer.and_then(|peer| self.service.portals.current().of(peer.fingerprint));
        portal.map_or(Caller::Stranger, |portal| Caller::Known(portal.client.name.clone()))
    }

    /// The chain is judged anew for each request: a connection does not outlive a revocation.
    fn answer(
        self: Arc<Self>,
        remote: Arc<Remote>,
        request: Request<Asked>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            if !https::names_one_host(&request) {
                metrics::READS_REFUSED.add_one();
                let id = RequestId::from_bytes(crate::random::bytes());
                return Refused::of(explain::USAGE).answer(id);
            }
            match self.trust.check_client(trust::Door::Portal, &remote.chain) {
                Ok(peer) => {
                    let address = remote.address;
                    let client = Client { address, certificate: peer.fingerprint };
                    self.service.answer(client, request).await
                }
                Err(error) => {
                    metrics::READS_REFUSED.add_one();
                    if let Some(times) = self.refused.tell() {
                        let peer = remote.address;
                        tracing::warn!(%peer, %error, times, "portal's certificate refused");
                    }
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
