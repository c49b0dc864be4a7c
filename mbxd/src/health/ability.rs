//! What the daemon can do at the moment.

use crate::keys::{Keys, KeysState};
use crate::store::{Store, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether one ability is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ability {
    /// Whole.
    Ready,
    /// In part: what is opened already is served until it expires.
    Degraded(&'static str),
    /// Not, with the cause.
    Away(&'static str),
}

impl Ability {
    /// Whether work of this kind is taken.
    pub const fn is_up(self) -> bool {
        !matches!(self, Self::Away(_))
    }

    /// The cause, where it is not whole.
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::Ready => None,
            Self::Degraded(cause) | Self::Away(cause) => Some(cause),
        }
    }
}

/// The three abilities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Abilities {
    /// Accepting deliveries.
    pub deliver: Ability,
    /// Serving holders.
    pub read: Ability,
    /// Serving staff.
    pub admin: Ability,
}

/// Tells what the daemon can do; cheap to clone.
#[derive(Clone)]
pub struct Health {
    pub(super) keys: Keys,
    pub(super) store: Store,
    started: Arc<AtomicBool>,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Health")
    }
}

impl Health {
    /// Watches these parts.
    pub fn new(keys: Keys, store: Store) -> Self {
        Self { keys, store, started: Arc::new(AtomicBool::new(false)) }
    }

    /// Says that every door is open.
    pub fn set_started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// Whether every door is open.
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Whether the store answers a real read.
    pub async fn store_answers(&self) -> bool {
        self.store.get(Table::Meta, b"watchdog").await.is_ok()
    }

    /// What can be done at the moment; asks neither the token nor the disk.
    pub fn abilities(&self) -> Abilities {
        let space = self.store.space();
        let status = self.keys.status();
        let hsm = status.hsm.state.is_ready();
        let keys = status.state;
        let deliver = match keys {
            _ if space.deliveries_stopped => Ability::Away("the disk is almost full"),
            KeysState::Uninitialised => Ability::Away("not initialised"),
            KeysState::Locked { delivers: false } if status.lookup_refused => Ability::Away(
                "the lookup credential is not this installation's; the HSM was not unlocked",
            ),
            KeysState::Locked { delivers: false } => Ability::Away("the HSM was not unlocked"),
            KeysState::Locked { delivers: true } | KeysState::Open => Ability::Ready,
        };
        let read = match keys {
            KeysState::Uninitialised => Ability::Away("not initialised"),
            KeysState::Locked { .. } => Ability::Away("the HSM is locked"),
            KeysState::Open if hsm => Ability::Ready,
            KeysState::Open if status.cached_keys > 0 => {
                Ability::Degraded("the HSM does not answer; opened mailboxes only")
            }
            KeysState::Open => Ability::Away("the HSM does not answer"),
        };
        let admin = if space.writes_stopped {
            Ability::Away("the disk is full")
        } else if status.altered > 0 {
            Ability::Degraded("stored data was found altered")
        } else {
            Ability::Ready
        };
        Abilities { deliver, read, admin }
    }
}
