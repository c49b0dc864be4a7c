//! Opens every door that has an address and serves it until the daemon stops.

use super::error::StartError;
use super::rooms::{InEffect, Rooms};
use super::tasks::{TaskEnded, Tasks};
use super::vitals::Vitals;
use crate::config::{Config, Listen};
use crate::telemetry::Chain;
use crate::{control, delivery, health, holder};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

/// Tells every door when to stop.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Ends when the daemon is to stop.
    pub(super) async fn wait(mut self) {
        // A dropped sender means that the daemon is gone: stop as well.
        self.0.wait_for(|stop| *stop).await.ok();
    }
}

/// The doors that are open.
pub(super) struct Doors {
    serving: Tasks,
    portal: Option<Arc<holder::Door>>,
}

impl Doors {
    /// Binds every address first, so that nothing is served where one is taken; then serves.
    pub(super) async fn open(
        rooms: &Rooms,
        in_effect: &InEffect,
        vitals: &Vitals,
        stop: &Stop,
    ) -> Result<Self, StartError> {
        let config = &in_effect.get().config;
        let authorities = listen(config.delivery.listen).await?;
        let portals = listen(config.portal.listen).await?;
        let control = control::bind(&config.control.socket)
            .map_err(|error| StartError::Room(error.to_string()))?;
        let probes = Probes::bind(config).await?;
        let mut doors = Self { serving: Tasks::default(), portal: None };
        if let Some(listener) = authorities {
            let door = Arc::new(authorities_door(rooms, config)?);
            doors.serving.spawn("delivery door", door.serve(listener, stop.clone().wait()));
        }
        if let Some(listener) = portals {
            let door = Arc::new(portal_door(rooms, config)?);
            doors.portal = Some(Arc::clone(&door));
            doors.serving.spawn("portal door", door.serve(listener, stop.clone().wait()));
        }
        let door = control::Door::new(control_rooms(rooms, in_effect, vitals));
        let until = stop.clone().wait();
        doors.serving.spawn("control door", async move {
            if let Err(error) = door.serve(control, until).await {
                tracing::error!(%error, "the control socket cannot be served");
            }
        });
        if let Some(probes) = probes {
            doors.serving.spawn("health door", probes.serve(rooms.health.clone(), stop.clone()));
        }
        Ok(doors)
    }

    /// Puts other portals in force.
    pub(super) fn adopt(&self, portals: holder::Prepared) {
        if let Some(door) = &self.portal {
            door.adopt(portals);
        }
    }

    /// Waits until a door ends that nobody told to stop.
    pub(super) async fn ended(&mut self) -> TaskEnded {
        self.serving.ended().await
    }

    /// Ends when every door has served its last request.
    pub(super) async fn drained(&mut self) {
        self.serving.drained().await;
    }
}

fn authorities_door(rooms: &Rooms, config: &Config) -> Result<delivery::Door, StartError> {
    let behind = delivery::Behind {
        trust: rooms.trust.clone(),
        senders: rooms.senders.clone(),
        intake: Arc::new(rooms.mailboxes.clone()),
        screen: Arc::new(delivery::NoScreen),
        clock: rooms.clock.clone(),
    };
    delivery::Door::new(&config.delivery, behind)
        .map_err(|error| StartError::Setting(error.to_string()))
}

fn portal_door(rooms: &Rooms, config: &Config) -> Result<holder::Door, StartError> {
    let behind = holder::Behind {
        mailboxes: rooms.mailboxes.clone(),
        trust: rooms.trust.clone(),
        clock: rooms.clock.clone(),
    };
    holder::Door::new(&config.portal, behind)
        .map_err(|error| StartError::Setting(Chain(&error).to_string()))
}

fn control_rooms(rooms: &Rooms, in_effect: &InEffect, vitals: &Vitals) -> control::Rooms {
    let (in_effect, vitals) = (in_effect.clone(), vitals.clone());
    control::Rooms {
        clock: rooms.clock.clone(),
        operators: rooms.operators.clone(),
        keys: rooms.keys.clone(),
        audit: rooms.audit.clone(),
        mailboxes: rooms.mailboxes.clone(),
        jobs: rooms.jobs.clone(),
        senders: rooms.senders.clone(),
        trust: rooms.trust.clone(),
        config: Arc::new(move || in_effect.get()),
        vitals: Arc::new(move || vitals.figures()),
        started: rooms.clock.now(),
    }
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|source| StartError::Listen { place: address.to_string(), source })
}

/// The listener for probes and metrics.
enum Probes {
    Unix(UnixListener),
    Loopback(TcpListener),
}

impl Probes {
    async fn bind(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(place) = &config.health.listen else { return Ok(None) };
        let bound = match place {
            Listen::Unix(path) => bind_unix(path).map(Self::Unix),
            Listen::Loopback(address) => TcpListener::bind(address).await.map(Self::Loopback),
        };
        bound.map(Some).map_err(|source| StartError::Listen { place: place.to_string(), source })
    }

    async fn serve(self, health: health::Health, stop: Stop) {
        let mut stop = std::pin::pin!(stop.wait());
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.accept(&health) => {}
            }
        }
    }

    async fn accept(&self, health: &health::Health) {
        let served = match self {
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(health::serve(health.clone(), stream));
            }),
            Self::Loopback(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(health::serve(health.clone(), stream));
            }),
        };
        if let Err(error) = served {
            tracing::warn!(%error, "a probe's connection cannot be taken");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

/// A Unix socket in the place of one that a former daemon left behind.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt as _;
    if std::fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}
