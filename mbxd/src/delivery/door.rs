//! The door: what stands behind it, its bounds, its edge to HTTPS.

use super::body::Bounds;
use super::content::Rules;
use super::description::Description;
use super::http::Service;
use super::memory::Budget;
use super::pipeline::Pipeline;
use super::port::{Intake, Screen};
use super::section::{self, DoorError};
use super::soap::PrescanLimits;
use crate::clock::Clock;
use crate::config;
use crate::https::{self, Asked, Client, Edge, Remote};
use crate::registers::Senders;
use crate::trust::{self, Trust};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response};
use rustls::ServerConfig;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

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
    bounds: https::Bounds,
}

impl Door {
    /// A door by its configuration.
    ///
    /// # Errors
    /// [`DoorError`] where the configuration contradicts itself.
    pub fn new(config: &config::Delivery, behind: Behind) -> Result<Self, DoorError> {
        section::check(config)?;
        let pipeline = Pipeline {
            trust: behind.trust.clone(),
            senders: behind.senders,
            intake: behind.intake,
            screen: behind.screen,
            rules: Rules::new(config),
            limits: PrescanLimits::default(),
            memory: Budget::new(config.memory_max.get()),
            turns: section::turns(config),
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
            bounds: section::bounds(config),
        })
    }

    /// Serves connections until `stop` is done; then takes no more and gives those under way time
    /// to finish.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        https::serve(Arc::clone(&self), self.bounds, listener, stop).await;
        // Deliveries whose callers hung up go on; they too get their time.
        let idle = self.service.pipeline.memory.idle();
        tokio::time::timeout(self.bounds.drain, idle).await.ok();
    }
}

impl Edge for Door {
    type Body = Full<Bytes>;

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.trust.tls(trust::Door::Authorities)
    }

    /// By its organisation, however many certificates it has.
    fn client(&self, remote: &Remote) -> Client {
        let peer = self.trust.check_client(trust::Door::Authorities, &remote.chain);
        let organisation = peer.ok().and_then(|peer| peer.organisation.ok());
        organisation.map_or(Client::Stranger, |number| Client::Known(number.to_string()))
    }

    fn answer(
        self: Arc<Self>,
        remote: Arc<Remote>,
        request: Request<Asked>,
    ) -> BoxFuture<'static, Response<Full<Bytes>>> {
        Box::pin(async move {
            let mut answer = self.service.answer(&remote, request).await;
            if answer.close {
                let close = HeaderValue::from_static("close");
                answer.response.headers_mut().insert(header::CONNECTION, close);
            }
            answer.response
        })
    }

    /// Where the client's certificate is refused, account is kept of it.
    fn refused<'a>(&'a self, address: IpAddr, error: &io::Error) -> BoxFuture<'a, ()> {
        let refused = trust::refused_in_handshake(error);
        Box::pin(async move {
            if let Some(refused) = refused {
                self.service.refused_in_handshake(address, refused).await;
            }
        })
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.service.path)
    }
}
