//! A machine with its disk, token and clock, and the service that is started on it.

use crate::audit::{self, AuditLog};
use crate::clock::Clock;
use crate::config;
use crate::config::value::{ByteSize, Span};
use crate::jobs::Jobs;
use crate::keys::testing::SoftCustody;
use crate::keys::{self, CacheBounds, Keys, KeysState};
use crate::mailbox::reading::{Caller, Ticket, Visit};
use crate::mailbox::{Mailboxes, Options, Surroundings, Terms};
use crate::operators::{self, Cost, Operators};
use crate::store::back_end::simulated::SimulatedDisk;
use crate::store::embedded::Embedded;
use crate::store::{Engine as _, Health, Store};
use mbx_common::assurance::Loa;
use mbx_common::id::RequestId;
use mbx_common::time::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a step is tried anew that the rest of a script needs.
pub(super) const TRIES: usize = 3;

/// What outlives a process.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) disk: SimulatedDisk,
    token: Arc<SoftCustody>,
    pub(super) clock: Clock,
    config: config::Store,
}

/// Small segments, so that the script fills several; no checkpoint by the clock.
fn small() -> config::Store {
    config::Store {
        segment_size: ByteSize::bytes(96 * 1024),
        checkpoint_interval: Span::secs(86_400),
        checkpoint_bytes: ByteSize::bytes(40 * 1024),
        index_cache: ByteSize::bytes(64 * 1024),
        stop_deliveries_below: ByteSize::bytes(0),
        stop_writes_below: ByteSize::bytes(0),
        ..config::Store::default()
    }
}

impl Machine {
    /// A new one, nothing on its disk.
    pub(super) fn new() -> Self {
        Self {
            disk: SimulatedDisk::new(),
            token: Arc::default(),
            clock: Clock::manual(Timestamp::EPOCH.plus_millis(1_800_000_000_000)),
            config: small(),
        }
    }

    /// The same with these watermarks, in bytes.
    pub(super) fn with_watermarks(deliveries: u64, writes: u64) -> Self {
        let machine = Self::new();
        let config = config::Store {
            stop_deliveries_below: ByteSize::bytes(deliveries),
            stop_writes_below: ByteSize::bytes(writes),
            ..machine.config
        };
        Self { config, ..machine }
    }

    /// The same with another disk.
    pub(super) fn with_disk(&self, disk: SimulatedDisk) -> Self {
        Self { disk, ..self.clone() }
    }

    /// A process is started, the token unlocked.
    pub(super) async fn start(&self) -> Result<Service, String> {
        let back_end = Arc::new(self.disk.clone());
        let opened = Embedded::open(back_end.clone(), &self.config);
        let engine = opened.map_err(|error| format!("{error:?}"))?;
        let store = Store::new(engine.clone());
        let keys = Keys::load(keys::Surroundings {
            custody: self.token.clone(),
            store: store.clone(),
            back_end,
            clock: self.clock.clone(),
            cache: CacheBounds { keys_max: 100, idle_ms: 300_000, absolute_ms: 900_000 },
        });
        let keys = keys.await.map_err(|error| format!("{error:?}"))?;
        let surroundings = Surroundings {
            store: store.clone(),
            keys: keys.clone(),
            jobs: Jobs::new(store.clone(), self.clock.clone()),
            clock: self.clock.clone(),
        };
        let terms = Some(Terms { version: "2026-05".to_owned(), sha256: [5; 32] });
        let options = operators::Options {
            cost: Cost { memory_kib: 64, passes: 1 },
            ..operators::Options::default()
        };
        let log = audit::Options {
            origin: "example.se/mbx".to_owned(),
            checkpoint_every_ms: 60_000,
            checkpoint_entries: 100,
        };
        let (signing, ever) = (keys.clone(), keys.clone());
        let signer = audit::Signer {
            custody: self.token.clone(),
            key: Box::new(move || signing.sign_key().ok()),
            ever: Box::new(move || ever.clone().sign_keys_ever()),
        };
        let service = Service {
            mailboxes: Mailboxes::new(surroundings, Options { terms, ..Options::default() }),
            operators: Operators::new(store.clone(), self.clock.clone(), options).unwrap(),
            audit: AuditLog::new(store.clone(), signer, self.clock.clone(), log),
            engine,
            store,
            keys,
            clock: self.clock.clone(),
        };
        for _ in 0..TRIES {
            if service.keys.state() == KeysState::Uninitialised || service.open_keys().await {
                break;
            }
            service.settle();
        }
        Ok(service)
    }
}

/// A running process.
pub(super) struct Service {
    pub(super) engine: Arc<Embedded>,
    pub(super) store: Store,
    pub(super) keys: Keys,
    pub(super) mailboxes: Mailboxes,
    pub(super) operators: Operators,
    pub(super) audit: AuditLog,
    pub(super) clock: Clock,
}

impl Service {
    /// Opens the keys, as the daemon does once the token is there.
    pub(super) async fn open_keys(&self) -> bool {
        self.keys.open().await.is_ok()
    }

    /// Waits until the store has recovered; a script's next step then meets a store that serves.
    pub(super) fn settle(&self) {
        let start = Instant::now();
        while self.engine.health() == Health::Recovering && start.elapsed().as_secs() < 10 {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// A call of the portal for this person, identified just now at level 3.
    pub(super) async fn visit(&self, number: &str, request: RequestId) -> Result<Visit, String> {
        let now = self.clock.now();
        let caller = Caller {
            portal: "my-pages".to_owned(),
            peer: None,
            request,
            number: number.parse().unwrap(),
            loa: Loa::Three,
            authenticated: now.minus_millis(1000),
            on_behalf_of: None,
            ticket: Ticket { id: crate::random::bytes(), until: now.plus_millis(60_000) },
        };
        self.mailboxes.enter(caller).await.map_err(|error| format!("{error:?}"))
    }
}
