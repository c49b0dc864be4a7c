//! From the configuration to the last line of the log.

use super::background;
use super::doors::{Doors, Stop};
use super::error::StartError;
use super::reload::reload;
use super::rooms::Rooms;
use super::service;
use super::settings::Settings;
use super::sockets::Sockets;
use super::standing::Standing;
use super::vitals::Vitals;
use super::watch::Diary;
use crate::config::Loaded;
use crate::telemetry::Chain;
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome};
use sd_notify::NotifyState;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Shortest time for work that was begun when the daemon is told to stop: what the portals' door and
/// the control socket may need. `delivery.drain` lengthens it.
const DRAIN_MIN: Duration = Duration::from_secs(30);

/// What the doors may take beyond it to close.
const DRAIN_MARGIN: Duration = Duration::from_secs(5);

/// Runs the daemon until it is told to stop, or a task of its own ends: then it goes down in the
/// same order, with an error, and the service manager starts it anew.
pub(super) async fn run(loaded: Loaded, main: &Path, sockets: Sockets) -> Result<(), StartError> {
    let (settings, credentials) = Settings::with_credentials(&loaded.config)?;
    let rooms = Rooms::open(&loaded.config, settings, credentials).await?;
    let check_every = loaded.config.audit.check_every.duration();
    let drain = loaded.config.delivery.drain.duration().max(DRAIN_MIN) + DRAIN_MARGIN;
    let digest = loaded.digest;
    let standing = Standing::new(loaded);
    let diary = Diary { store: rooms.store.clone(), clock: rooms.clock.clone() };
    announce(&rooms, digest).await?;
    let vitals = Vitals::new(rooms.health.clone(), rooms.store.clone(), rooms.clock.clone());
    let mut background = background::start(&rooms, &diary, &vitals, check_every);
    let (stop, stopping) = Stop::channel();
    let mut signals = Signals::listen().map_err(StartError::Runtime)?;
    let mut doors = Doors::open(&rooms, &standing, &vitals, &stopping, sockets).await?;
    rooms.health.set_started();
    service::tell(&[NotifyState::Ready, NotifyState::Status(&serving(&[]))]);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "mbxd is ready");
    let ended = tokio::select! {
        ended = wait(&rooms, &mut doors, &standing, &mut signals, main, &diary) => ended,
        ended = background.ended() => Err(ended.into()),
    };
    if let Err(error) = &ended {
        tracing::error!(%error, "the daemon cannot go on");
    }
    service::tell_stopping(drain);
    tracing::info!("stopping: no new work is taken");
    stop.send(true).ok();
    if tokio::time::timeout(drain, doors.drained()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    background.shutdown().await;
    rooms.jobs.stop().await;
    finish(rooms, &diary).await;
    ended
}

/// The signals that the daemon heeds. Before they are listened to, each ends it as it would any
/// process; so they are before a door can be reached.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// The start is an entry with the configuration's digest; without it nothing is served (K2.8).
async fn announce(rooms: &Rooms, digest: [u8; 32]) -> Result<(), StartError> {
    for event in [Event::DaemonStarted, Event::ConfigurationLoaded] {
        let entry = Entry::new(rooms.clock.now(), event, Actor::Daemon).fact(Fact::Digest(digest));
        rooms.store.commit(crate::store::Changes::new(), entry).await?;
    }
    Ok(())
}

/// Reloads on SIGHUP; returns when the daemon is told to stop, or a door ends.
async fn wait(
    rooms: &Rooms,
    doors: &mut Doors,
    standing: &Standing,
    signals: &mut Signals,
    main: &Path,
    diary: &Diary,
) -> Result<(), StartError> {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return Ok(()),
            _ = signals.interrupt.recv() => return Ok(()),
            ended = doors.ended() => return Err(ended.into()),
            _ = signals.hangup.recv() => {
                service::tell_reloading();
                let waiting = reload(rooms, doors, standing, main, diary).await;
                let status = serving(&waiting);
                service::tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
            }
        }
    }
}

/// What `systemctl status` shows.
fn serving(waiting: &[String]) -> String {
    match waiting {
        [] => "serving".to_owned(),
        keys => format!("serving; restart to put in force: {}", keys.join(", ")),
    }
}

/// The last entries, the last checkpoint, then the token and the store.
async fn finish(rooms: Rooms, diary: &Diary) {
    if let Err(error) = rooms.mailboxes.flush_refusals(true).await {
        tracing::warn!(error = %Chain(&error), "refusals were not counted");
    }
    if let Err(error) = rooms.operators.flush_refusals(true).await {
        tracing::warn!(error = %Chain(&error), "refused commands were not counted");
    }
    diary.note(Event::DaemonStopped, Outcome::Done, Vec::new()).await;
    if rooms.keys.sign_key().is_ok()
        && let Err(error) = rooms.audit.checkpoint().await
    {
        tracing::warn!(error = %Chain(&error), "no last checkpoint was signed");
    }
    rooms.keys.close();
    rooms.custody.stop().await;
    let engine = rooms.engine;
    if tokio::task::spawn_blocking(move || engine.close()).await.is_err() {
        tracing::error!("the store was not closed in order");
    }
    tracing::info!("mbxd has stopped");
}
