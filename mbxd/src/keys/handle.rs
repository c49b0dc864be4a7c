//! The handle on every key, and what state it is in.

use super::cache::{Cache, CacheBounds};
use super::error::{KeysError, Thing};
use super::fields::take;
use super::keyring::Keyring;
use super::lookup::{LOOKUP_CHECK, Lookup};
use super::root_secret::{self, RootName, RootPurpose};
use super::token_key::KeyTable;
use crate::clock::Clock;
use crate::hsm::{Custody, CustodyError, KeyPurpose, KeySpec, Secret32};
use crate::store::back_end::BackEnd;
use crate::store::{KeyRange, Store, Table};
use mbx_common::id::InstallationId;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

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

enum State {
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
        })))
    }

    /// Opens the root secrets with the token and, from then on, everything under them.
    ///
    /// May be repeated: after an error nothing has changed, and where the keys are open already
    /// they are opened anew.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`]; [`KeysError::Custody`] while the token is away or locked;
    /// [`KeysError::Altered`] where a root secret is not one that this token signed.
    pub async fn open(&self) -> Result<(), KeysError> {
        let table = KeyTable::load(&self.0.store).await?;
        if table.is_empty() {
            return Err(KeysError::NotInitialised);
        }
        let installation = self.installation().await?;
        self.0.custody.expect_keys(table.present()).await?;
        let load = Load { keys: self, table: &table, installation };
        let (_, register) = self.noted(load.newest(RootPurpose::Register).await)?;
        let (_, lookup) = self.noted(load.newest(RootPurpose::Lookup).await)?;
        let (generation, keyring) = self.noted(load.newest(RootPurpose::Keyring).await)?;
        let keyring =
            Keyring::open(Arc::clone(&self.0.back_end), generation, keyring, installation).await?;
        let lookup = Arc::new(Lookup::new(lookup, installation));
        let open = Open { table, lookup, register, keyring };
        self.set(State::Open(Arc::new(open)));
        Ok(())
    }

    /// Takes the lookup secret from a credential, so that deliveries are accepted while the token
    /// is locked or away. Changes nothing where the keys are open.
    ///
    /// Only this installation's own is taken: with another, everybody would be answered as not
    /// found, and a sender believes that.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`]; [`KeysError::ForeignLookup`], after which the keys stay as
    /// locked as they were; or where the rows cannot be read.
    pub async fn provide_lookup(&self, secret: Secret32) -> Result<(), KeysError> {
        let checked = self.own_lookup(secret).await;
        self.0.lookup_refused.store(checked.is_err(), Ordering::Relaxed);
        let lookup = Arc::new(checked?);
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Open(_)) {
            *state = State::Locked(Some(lookup));
        }
        Ok(())
    }

    async fn own_lookup(&self, secret: Secret32) -> Result<Lookup, KeysError> {
        let lookup = Lookup::new(secret, self.installation().await?);
        let check = self.0.store.get(Table::Meta, LOOKUP_CHECK).await?;
        let check = check.ok_or(KeysError::Missing(Thing::LookupCheck))?;
        let fits = self.noted(lookup.fits(&check))?;
        fits.then_some(lookup).ok_or(KeysError::ForeignLookup)
    }

    /// Drops every opened key and every secret but the lookup secret: reading ends at once,
    /// deliveries go on.
    pub fn close(&self) {
        {
            let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
            if let State::Open(open) = &*state {
                *state = State::Locked(Some(Arc::clone(&open.lookup)));
            }
        }
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

    fn set(&self, next: State) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.state()).finish()
    }
}

/// Reading root secrets.
struct Load<'a> {
    keys: &'a Keys,
    table: &'a KeyTable,
    installation: InstallationId,
}

impl Load<'_> {
    /// The newest generation of a root secret, and the secret.
    async fn newest(&self, purpose: RootPurpose) -> Result<(u32, Secret32), KeysError> {
        let newest = KeyRange::prefix(&[purpose.code()]).backwards();
        let page = self.keys.0.store.scan(Table::RootSecret, newest, 1).await?;
        let (key, row) = page.rows.first().ok_or(KeysError::Missing(Thing::RootSecret))?;
        let generation = key.get(1..).and_then(|bytes| bytes.try_into().ok());
        let generation =
            u32::from_be_bytes(generation.ok_or(KeysError::Altered(Thing::RootSecret))?);
        let name = RootName { purpose, generation, installation: self.installation };
        let custody = &*self.keys.0.custody;
        let genuine = root_secret::check(custody, self.table, name, row).await?;
        Ok((generation, genuine.open(custody).await?))
    }
}
