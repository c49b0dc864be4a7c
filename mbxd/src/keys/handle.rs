//! The handle on every key, and what state it is in.

use super::cache::{Cache, CacheBounds};
use super::error::{KeysError, Thing};
use super::fields::take;
use super::keyring::Keyring;
use super::lookup::Lookup;
use super::protected::Protected;
use super::token_key::KeyTable;
use crate::clock::Clock;
use crate::hsm::{Custody, CustodyError, KeyPurpose, KeySpec, Secret32};
use crate::store::back_end::BackEnd;
use crate::store::records::Records;
use crate::store::{Store, Table};
use futures_util::future::BoxFuture;
use mbx_common::id::InstallationId;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::Mutex as AsyncMutex;

/// Key of the row in the table `Meta` that names the installation.
pub(super) const INSTALLATION: &[u8] = b"installation";
/// Version byte of that row.
pub(super) const INSTALLATION_VERSION: u8 = 1;

/// What the keys room needs of its surroundings.
pub struct Surroundings {
    /// The token.
    pub custody: Arc<dyn Custody>,
    /// Rows.
    pub store: Store,
    /// Where the keyring's files lie.
    pub back_end: Arc<dyn BackEnd>,
    /// The time, for the cache and for rows.
    pub clock: Clock,
    /// How long opened mailbox keys are kept.
    pub cache: CacheBounds,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// Every key of this installation behind one handle, cheap to clone.
#[derive(Clone)]
pub struct Keys(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) custody: Arc<dyn Custody>,
    pub(super) store: Store,
    pub(super) back_end: Arc<dyn BackEnd>,
    pub(super) clock: Clock,
    state: RwLock<State>,
    cache: Mutex<Cache>,
    altered: AtomicU64,
    lookup_refused: AtomicBool,
    /// What the KEKs protect, as last counted. Held while it is counted.
    pub(super) protected: AsyncMutex<Option<Protected>>,
    /// Held over a whole opening. The keyring's file is opened once: two handles would not know of
    /// each other's appends.
    pub(super) opening: AsyncMutex<Option<KeyringFile>>,
    /// Held over a whole set-up, so that one is seen by the next.
    pub(super) founding: Arc<AsyncMutex<()>>,
}

/// The keyring's file, open.
pub(super) struct KeyringFile {
    pub(super) generation: u32,
    pub(super) records: Records,
}

/// What can be done at the moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeysState {
    /// `init` was never run.
    Uninitialised,
    /// The HSM was not unlocked since the start; recipients are found where the lookup secret was
    /// provided by a credential.
    Locked {
        /// Whether deliveries can be accepted all the same.
        delivers: bool,
    },
    /// Everything can be done that the HSM is there for.
    Open,
}

pub(super) enum State {
    Uninitialised,
    Locked(Option<Arc<Lookup>>),
    Open(Arc<Open>),
}

/// What is in memory while the keys are open.
pub(super) struct Open {
    pub(super) table: KeyTable,
    pub(super) lookup: Arc<Lookup>,
    pub(super) register: Secret32,
    pub(super) keyring: Keyring,
}

impl Keys {
    /// Looks whether this installation is initialised. Neither the token nor a secret is needed.
    ///
    /// # Errors
    /// Where the key table cannot be read.
    pub async fn load(surroundings: Surroundings) -> Result<Self, KeysError> {
        let Surroundings { custody, store, back_end, clock, cache } = surroundings;
        let table = KeyTable::load(&store).await?;
        let state = if table.is_empty() { State::Uninitialised } else { State::Locked(None) };
        Ok(Self(Arc::new(Inner {
            custody,
            store,
            back_end,
            clock,
            state: RwLock::new(state),
            cache: Mutex::new(Cache::new(cache)),
            altered: AtomicU64::new(0),
            lookup_refused: AtomicBool::new(false),
            protected: AsyncMutex::default(),
            opening: AsyncMutex::default(),
            founding: Arc::default(),
        })))
    }

    /// Drops every opened key and every secret but the lookup secret: reading ends at once,
    /// deliveries go on.
    pub fn close(&self) {
        self.change(|state| {
            if let State::Open(open) = &*state {
                *state = State::Locked(Some(Arc::clone(&open.lookup)));
            }
        });
        // Last: whoever opens a key from here on finds the keys closed.
        self.purge();
    }

    /// What can be done at the moment.
    pub fn state(&self) -> KeysState {
        match &*self.0.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Uninitialised => KeysState::Uninitialised,
            State::Locked(lookup) => KeysState::Locked { delivers: lookup.is_some() },
            State::Open(_) => KeysState::Open,
        }
    }

    /// The name of this installation, made by `init`.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`], [`KeysError::Altered`].
    pub async fn installation(&self) -> Result<InstallationId, KeysError> {
        let row = self.0.store.get(Table::Meta, INSTALLATION).await?;
        let row = row.ok_or(KeysError::NotInitialised)?;
        let mut fields = &row[..];
        match take(&mut fields) {
            Some([INSTALLATION_VERSION]) => {
                InstallationId::from_slice(fields).ok_or(KeysError::Altered(Thing::Installation))
            }
            Some([version]) => Err(KeysError::Version { thing: Thing::Installation, version }),
            None => Err(KeysError::Altered(Thing::Installation)),
        }
    }

    /// The key that signs checkpoints and certificates.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`], [`KeysError::Locked`].
    pub fn sign_key(&self) -> Result<KeySpec, KeysError> {
        self.opened()?.table.active(KeyPurpose::Sign)
    }

    /// Every key that signs or has signed, destroyed ones among them, whether or not the keys are
    /// open; `None` where the table cannot be read.
    pub fn sign_keys_ever(self) -> BoxFuture<'static, Option<Vec<KeySpec>>> {
        Box::pin(async move {
            let table = KeyTable::load(&self.0.store).await;
            let table = table.inspect_err(|error| tracing::error!(%error, "no table of keys"));
            let specs = table.ok()?.all().iter().map(|key| key.spec).collect::<Vec<_>>();
            Some(specs.into_iter().filter(|spec| spec.purpose == KeyPurpose::Sign).collect())
        })
    }

    /// Drops every opened mailbox key.
    pub fn purge(&self) {
        self.cache().purge();
    }

    pub(super) fn opened(&self) -> Result<Arc<Open>, KeysError> {
        match &*self.0.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Uninitialised => Err(KeysError::NotInitialised),
            State::Locked(_) => Err(KeysError::Locked),
            State::Open(open) => Ok(Arc::clone(open)),
        }
    }

    pub(super) fn lookup(&self) -> Result<Arc<Lookup>, KeysError> {
        match &*self.0.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Uninitialised => Err(KeysError::NotInitialised),
            State::Locked(None) => Err(KeysError::Locked),
            State::Locked(Some(lookup)) => Ok(Arc::clone(lookup)),
            State::Open(open) => Ok(Arc::clone(&open.lookup)),
        }
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was found altered, by us or by the token: each is an alarm.
    pub(super) fn noted<T>(&self, result: Result<T, KeysError>) -> Result<T, KeysError> {
        if matches!(result, Err(KeysError::Altered(_) | KeysError::Custody(CustodyError::Tampered)))
        {
            self.note_altered(1);
        }
        result
    }

    /// Counts what was found altered among what lies under the keys: each is an alarm.
    pub fn note_altered(&self, things: u64) {
        self.0.altered.fetch_add(things, Ordering::Relaxed);
    }

    pub(super) fn altered(&self) -> u64 {
        self.0.altered.load(Ordering::Relaxed)
    }

    pub(super) fn lookup_refused(&self) -> bool {
        self.0.lookup_refused.load(Ordering::Relaxed)
    }

    pub(super) fn note_lookup_refused(&self, refused: bool) {
        self.0.lookup_refused.store(refused, Ordering::Relaxed);
    }

    /// Changes the state, seen from the present one.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.state()).finish()
    }
}
