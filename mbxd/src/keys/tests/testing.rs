//! A token in software and opened keys, for unit tests of this room and of those above it.

use crate::clock::Clock;
use crate::hsm::{
    Custody, CustodyError, KeyPurpose, KeySpec, Public, Sealed, Secret32, Sheet, Signature, State,
    Status,
};
use crate::keys::cache::CacheBounds;
use crate::keys::handle::{Keys, Surroundings};
use crate::keys::small::SmallKey;
use crate::store::back_end::simulated::SimulatedDisk;
use crate::store::{Store, memory};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use futures_util::future::BoxFuture;
use mbx_common::audit::{Actor, Entry, Event};
use mbx_common::id::KeyId;
use mbx_common::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// A token that keeps its keys in memory. May be taken away and locked.
#[derive(Debug)]
pub(crate) struct SoftCustody {
    inner: Mutex<Inner>,
    state: watch::Sender<State>,
    held: watch::Sender<bool>,
    waiting: Notify,
}

impl Default for SoftCustody {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            state: watch::Sender::new(State::Ready),
            held: watch::Sender::new(false),
            waiting: Notify::new(),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    keys: HashMap<KeyId, (KeySpec, [u8; 32])>,
    opened: [u64; 8],
    refusal: Option<CustodyError>,
}

impl SoftCustody {
    /// From now on every call fails with this error; `None` ends it.
    pub(crate) fn refuse(&self, refusal: Option<CustodyError>) {
        self.inner.lock().unwrap().refusal = refusal;
    }

    /// From now on an opening waits in the token; `false` lets it go on.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Ends when an opening waits in the token.
    pub(crate) async fn waiting(&self) {
        self.waiting.notified().await;
    }

    /// Says that the token is in this state now.
    pub(crate) fn become_state(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Keys in the token.
    pub(crate) fn keys_len(&self) -> usize {
        self.inner.lock().unwrap().keys.len()
    }

    /// Successful openings per purpose.
    pub(crate) fn opened(&self, purpose: KeyPurpose) -> u64 {
        self.inner.lock().unwrap().opened[usize::from(purpose.code())]
    }

    /// Forgets a key.
    pub(crate) fn destroy(&self, id: KeyId) {
        self.inner.lock().unwrap().keys.remove(&id);
    }

    fn key(&self, id: KeyId) -> Result<(KeySpec, [u8; 32]), CustodyError> {
        let inner = self.inner.lock().unwrap();
        if let Some(refusal) = &inner.refusal {
            return Err(refusal.clone());
        }
        inner.keys.get(&id).copied().ok_or(CustodyError::UnknownKey)
    }

    fn seal_now(&self, key: KeySpec, secret: &Secret32) -> Result<Sealed, CustodyError> {
        let (_, bytes) = self.key(key.id)?;
        let salt: [u8; 32] = crate::random::bytes();
        let sealed = SmallKey::derive(&[&bytes], &salt, &[]).seal(&[], secret.expose());
        Ok(Sealed([key.id.as_bytes().as_slice(), &salt, &sealed].concat()))
    }

    fn open_now(&self, purpose: KeyPurpose, sealed: &Sealed) -> Result<Secret32, CustodyError> {
        let id = sealed.0.get(..16).and_then(KeyId::from_slice).ok_or(CustodyError::Malformed)?;
        let (spec, bytes) = self.key(id)?;
        if spec.purpose != purpose {
            return Err(CustodyError::Tampered);
        }
        let key = SmallKey::derive(&[&bytes], &sealed.0[16..48], &[]);
        let secret = key.open(&[], &sealed.0[48..]).ok_or(CustodyError::Tampered)?;
        self.inner.lock().unwrap().opened[usize::from(purpose.code())] += 1;
        Ok(Secret32::new(secret.as_slice().try_into().unwrap()))
    }

    fn pair(&self, key: KeySpec) -> Result<Ed25519KeyPair, CustodyError> {
        let (_, seed) = self.key(key.id)?;
        Ok(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap())
    }
}

impl Custody for SoftCustody {
    fn seal<'a>(
        &'a self,
        key: KeySpec,
        secret: &'a Secret32,
    ) -> BoxFuture<'a, Result<Sealed, CustodyError>> {
        Box::pin(ready(self.seal_now(key, secret)))
    }

    fn open<'a>(
        &'a self,
        purpose: KeyPurpose,
        sealed: &'a Sealed,
    ) -> BoxFuture<'a, Result<Secret32, CustodyError>> {
        Box::pin(async move {
            let mut held = self.held.subscribe();
            if *held.borrow() {
                self.waiting.notify_one();
            }
            held.wait_for(|held| !held).await.unwrap();
            self.open_now(purpose, sealed)
        })
    }

    fn sign<'a>(
        &'a self,
        key: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, CustodyError>> {
        let signature = self
            .pair(key)
            .map(|pair| Signature::Ed25519(pair.sign(message).as_ref().try_into().unwrap()));
        Box::pin(ready(signature))
    }

    fn public(&self, key: KeySpec) -> BoxFuture<'_, Result<Public, CustodyError>> {
        let public = self
            .pair(key)
            .map(|pair| Public::Ed25519(pair.public_key().as_ref().try_into().unwrap()));
        Box::pin(ready(public))
    }

    fn generate(&self, key: KeySpec) -> BoxFuture<'_, Result<(), CustodyError>> {
        let mut inner = self.inner.lock().unwrap();
        let made = inner.refusal.clone().map_or(Ok(()), Err);
        if made.is_ok() {
            inner.keys.insert(key.id, (key, crate::random::bytes()));
        }
        Box::pin(ready(made))
    }

    fn expect_keys(&self, keys: Vec<KeySpec>) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(ready(keys.into_iter().try_for_each(|key| self.key(key.id).map(drop))))
    }

    fn status(&self) -> Status {
        let inner = self.inner.lock().unwrap();
        Status {
            state: *self.state.borrow(),
            epoch: 1,
            token: "soft".to_owned(),
            serial: "1".to_owned(),
            model: "test".to_owned(),
            since: Duration::ZERO,
            next_try: None,
            queue_len: 0,
            workers_lost: 0,
            opened: inner.opened,
            cause: None,
            missing: Vec::new(),
        }
    }

    fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    fn unlock(&self, pin: SecretString) -> BoxFuture<'_, Result<(), CustodyError>> {
        let is_open =
            *self.state.borrow() == State::Ready && self.inner.lock().unwrap().refusal.is_none();
        let unlocked = if is_open {
            Err(CustodyError::OpenAlready)
        } else if pin.expose_secret() == "1234" {
            self.refuse(None);
            self.become_state(State::Ready);
            Ok(())
        } else {
            Err(CustodyError::PinRejected)
        };
        Box::pin(ready(unlocked))
    }

    fn lock(&self) -> BoxFuture<'_, ()> {
        self.refuse(Some(CustodyError::Locked));
        self.become_state(State::Locked);
        Box::pin(ready(()))
    }

    fn test(&self) -> BoxFuture<'_, Result<Sheet, CustodyError>> {
        Box::pin(ready(Err(CustodyError::Busy)))
    }
}

/// Keys over a token in software, a store in memory and a disk in memory.
pub(crate) struct Bench {
    pub(crate) custody: Arc<SoftCustody>,
    pub(crate) store: Store,
    pub(crate) disk: SimulatedDisk,
    pub(crate) clock: Clock,
    pub(crate) keys: Keys,
}

impl Bench {
    /// Not initialised.
    pub(crate) async fn bare() -> Self {
        Self::over(memory::engine()).await
    }

    /// Not initialised, over this store.
    pub(crate) async fn over(store: Store) -> Self {
        let custody = Arc::new(SoftCustody::default());
        let disk = SimulatedDisk::new();
        let clock = Clock::manual(Timestamp::EPOCH.plus_millis(1_800_000_000_000));
        let mut bench =
            Self { keys: load(&custody, &store, &disk, &clock).await, custody, store, disk, clock };
        bench.restart().await;
        bench
    }

    /// Initialised and open.
    pub(crate) async fn open() -> Self {
        let bench = Self::bare().await;
        bench.initialise().await;
        bench.keys.open().await.unwrap();
        bench
    }

    /// Runs `init` and commits it.
    pub(crate) async fn initialise(&self) {
        let founding = self.keys.initialise().await.unwrap();
        self.commit(founding.changes()).await;
    }

    /// A new process over the same token, store and disk; locked.
    pub(crate) async fn restart(&mut self) {
        self.keys = load(&self.custody, &self.store, &self.disk, &self.clock).await;
    }

    /// Commits changes with some audit entry.
    pub(crate) async fn commit(&self, changes: crate::store::Changes) {
        let entry = Entry::new(self.clock.now(), Event::Initialised, Actor::Daemon);
        self.store.commit(changes, entry).await.unwrap();
    }
}

async fn load(
    custody: &Arc<SoftCustody>,
    store: &Store,
    disk: &SimulatedDisk,
    clock: &Clock,
) -> Keys {
    Keys::load(Surroundings {
        custody: Arc::<SoftCustody>::clone(custody),
        store: store.clone(),
        back_end: Arc::new(disk.clone()),
        clock: clock.clone(),
        cache: CacheBounds { keys_max: 100, idle_ms: 5 * 60_000, absolute_ms: 15 * 60_000 },
    })
    .await
    .unwrap()
}
