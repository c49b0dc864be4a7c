//! Opens every door that has an address and serves it until the daemon stops.

use super::descriptors;
use super::error::StartError;
use super::rooms::Rooms;
use super::screen::Screening;
use super::sockets::{self, Sockets};
use super::standing::Standing;
use super::tasks::{TaskEnded, Tasks};
use super::vitals::Vitals;
use crate::config::{Config, Listen, Scanner};
use crate::scan::Scan;
use crate::telemetry::{Chain, Seldom};
use crate::{control, delivery, health, holder};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

/// Pause after a probe that could not be taken (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

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
    /// Binds every address first, so that nothing is served where one is taken; then serves. A
    /// socket that the service manager passed stands in the place of the address.
    pub(super) async fn open(
        rooms: &Rooms,
        standing: &Standing,
        vitals: &Vitals,
        stop: &Stop,
        mut sockets: Sockets,
    ) -> Result<Self, StartError> {
        let config = &standing.get().now.config;
        let authorities = listen(&mut sockets, sockets::DELIVERY, config.delivery.listen).await?;
        let portals = listen(&mut sockets, sockets::PORTAL, config.portal.listen).await?;
        let control = listen_control(&mut sockets, &config.control.socket)?;
        sockets.all_taken()?;
        let probes = ProbesListener::bind(config).await?;
        descriptors::provide(sockets_max(config))?;
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
        let door = control::Door::new(control_rooms(rooms, standing, vitals));
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

/// Sockets that the doors may hold together.
fn sockets_max(config: &Config) -> usize {
    let authorities = config.delivery.listen.map_or(0, |_| delivery::sockets_max(&config.delivery));
    let portals = config.portal.listen.map_or(0, |_| holder::Door::sockets_max());
    let own = control::Door::sockets_max().saturating_add(health::Probes::sockets_max());
    authorities.saturating_add(portals).saturating_add(own)
}

fn authorities_door(rooms: &Rooms, config: &Config) -> Result<delivery::Door, StartError> {
    let behind = delivery::Behind {
        trust: rooms.trust.clone(),
        senders: rooms.senders.clone(),
        intake: Arc::new(rooms.mailboxes.clone()),
        screen: Arc::new(Screening(screened(config))),
        clock: rooms.clock.clone(),
    };
    delivery::Door::new(&config.delivery, behind)
        .map_err(|error| StartError::Setting(error.to_string()))
}

/// Where nothing is said there is no door (`config`'s rule), and nothing to scan.
fn screened(config: &Config) -> Scan {
    let scan = Scan::new(config.scan.scanner.unwrap_or(Scanner::None));
    if !scan.is_on() {
        tracing::warn!("deliveries are not scanned for malware: scan.scanner is \"none\"");
    }
    scan
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

fn control_rooms(rooms: &Rooms, standing: &Standing, vitals: &Vitals) -> control::Rooms {
    let (standing, vitals) = (standing.clone(), vitals.clone());
    control::Rooms {
        clock: rooms.clock.clone(),
        operators: rooms.operators.clone(),
        keys: rooms.keys.clone(),
        audit: rooms.audit.clone(),
        mailboxes: rooms.mailboxes.clone(),
        jobs: rooms.jobs.clone(),
        senders: rooms.senders.clone(),
        trust: rooms.trust.clone(),
        config: Arc::new(move || standing.get()),
        vitals: Arc::new(move || vitals.figures()),
        started: rooms.clock.now(),
    }
}

/// Whether the door is open the configuration alone says; a passed socket takes the place of its
/// address.
async fn listen(
    sockets: &mut Sockets,
    name: &str,
    address: Option<SocketAddr>,
) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let bound = match sockets.tcp(name)? {
        Some(passed) => TcpListener::from_std(passed),
        None => TcpListener::bind(address).await,
    };
    let listener =
        bound.map_err(|source| StartError::Listen { place: address.to_string(), source })?;
    if let Ok(at) = listener.local_addr() {
        tracing::info!(door = name, %at, "listening");
    }
    Ok(Some(listener))
}

/// Mode and group of a passed socket are its unit's matter.
fn listen_control(
    sockets: &mut Sockets,
    path: &Path,
) -> Result<std::os::unix::net::UnixListener, StartError> {
    let Some(passed) = sockets.unix(sockets::CONTROL)? else {
        return Ok(control::bind(path)?);
    };
    let at = passed.local_addr().ok();
    if at.as_ref().and_then(|at| at.as_pathname()) != Some(path) {
        tracing::warn!(?at, configured = %path.display(), "the socket passed is not control.socket");
    }
    Ok(passed)
}

/// The listener for probes and metrics.
enum ProbesListener {
    Unix(UnixListener),
    Loopback(TcpListener),
}

impl ProbesListener {
    async fn bind(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(place) = &config.health.listen else { return Ok(None) };
        let bound = match place {
            Listen::Unix(path) => bind_unix(path).map(Self::Unix),
            Listen::Loopback(address) => TcpListener::bind(address).await.map(Self::Loopback),
        };
        bound.map(Some).map_err(|source| StartError::Listen { place: place.to_string(), source })
    }

    async fn serve(self, health: health::Health, stop: Stop) {
        let (probes, failing) = (health::Probes::new(health), Seldom::default());
        let mut stop = std::pin::pin!(stop.wait());
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = self.accept(&probes) => accepted,
            };
            if let Err(error) = accepted {
                if let Some(times) = failing.tell() {
                    tracing::warn!(%error, times, "probes' connections cannot be taken");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    async fn accept(&self, probes: &health::Probes) -> io::Result<()> {
        match self {
            Self::Unix(listener) => drop(tokio::spawn(probes.serve(listener.accept().await?.0))),
            Self::Loopback(listener) => {
                drop(tokio::spawn(probes.serve(listener.accept().await?.0)));
            }
        }
        Ok(())
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
