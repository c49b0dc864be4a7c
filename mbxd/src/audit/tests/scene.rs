//! A log in memory that can be tampered with, and a signer in software.

use crate::audit::{AuditLog, Options, Signer};
use crate::clock::Clock;
use crate::hsm::{
    Custody, CustodyError, KeyPurpose, KeySpec, Public, Sealed, Secret32, Sheet, Signature, State,
    Status,
};
use crate::store::memory::Memory;
use crate::store::{
    Changes, Checked, CommitError, Committed, Engine, Health, KeyRange, NewContent, Page,
    ReadError, Space, Stats, Store, Table,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::audit::{Actor, Entry, Event, Origin};
use mbx_common::id::{ContentId, KeyId};
use secrecy::SecretString;
use std::future::ready;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

pub(super) const ORIGIN: &str = "brev.example.se/audit";

pub(super) struct Scene {
    pub(super) log: AuditLog,
    pub(super) store: Store,
    pub(super) engine: Arc<Tampered>,
    pub(super) signer: Arc<SoftSigner>,
    pub(super) clock: Clock,
    uid: u32,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(SoftSigner::ed25519())
    }

    pub(super) fn with(signer: SoftSigner) -> Self {
        let engine = Arc::new(Tampered::default());
        let store = Store::new(engine.clone());
        let signer = Arc::new(signer);
        let clock = Clock::manual("2026-11-24T03:41:00Z".parse().unwrap());
        let log = open(&store, &signer, &clock);
        Self { log, store, engine, signer, clock, uid: 1000 }
    }

    /// The same log after a restart of the daemon.
    pub(super) fn restarted(&self) -> AuditLog {
        open(&self.store, &self.signer, &self.clock)
    }

    /// The same log after a restart on a token that signs with another key under the same id.
    pub(super) fn with_other_key(&self) -> AuditLog {
        open(&self.store, &Arc::new(SoftSigner::ecdsa()), &self.clock)
    }

    /// Writes entries, one a second.
    pub(super) async fn act(&self, count: usize) {
        for number in 0..count {
            self.clock.advance(1000);
            let entry = self.origin().entry(self.clock.now(), Event::LoggedIn);
            let entry = entry.reason(format!("act {number}"));
            self.store.commit(Changes::new(), entry).await.unwrap();
        }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::of(Actor::Local(self.uid))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.engine.memory.entries()
    }

    pub(super) fn count(&self, event: Event) -> usize {
        self.entries().iter().filter(|entry| entry.event == event).count()
    }
}

fn open(store: &Store, signer: &Arc<SoftSigner>, clock: &Clock) -> AuditLog {
    let options = Options {
        origin: ORIGIN.to_owned(),
        checkpoint_every_ms: 60_000,
        checkpoint_entries: 1000,
    };
    AuditLog::new(store.clone(), signed_by(signer.clone()), clock.clone(), options)
}

/// Signs with [`key`].
pub(super) fn signed_by(custody: Arc<dyn Custody>) -> Signer {
    let ever = || -> BoxFuture<'static, _> { Box::pin(ready(Some(vec![key()]))) };
    Signer { custody, key: Box::new(|| Some(key())), ever: Box::new(ever) }
}

pub(super) fn key() -> KeySpec {
    KeySpec { id: KeyId::from_bytes([6; 16]), purpose: KeyPurpose::Sign, version: 1 }
}

/// An engine whose leaves somebody changes behind its back.
#[derive(Default)]
pub(super) struct Tampered {
    pub(super) memory: Memory,
    /// Leaf and bytes that stand there instead.
    leaf: Mutex<Option<(u64, Vec<u8>)>>,
    /// Leaves that are still there.
    cut: Mutex<Option<u64>>,
}

impl Tampered {
    pub(super) fn alter(&self, position: u64, leaf: Vec<u8>) {
        *self.leaf.lock().unwrap() = Some((position, leaf));
    }

    pub(super) fn cut(&self, size: u64) {
        *self.cut.lock().unwrap() = Some(size);
    }
}

impl Engine for Tampered {
    fn commit(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.memory.commit(changes, contents, entry)
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>> {
        self.memory.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.memory.scan(table, range, limit)
    }

    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        self.memory.content(id, range)
    }

    fn tree(&self) -> BoxFuture<'_, Result<(u64, [u8; 32]), ReadError>> {
        let Some(size) = *self.cut.lock().unwrap() else { return self.memory.tree() };
        let mut tree = mbx_common::audit::tree::Tree::new();
        for entry in self.memory.entries().iter().take(usize::try_from(size).unwrap()) {
            tree.push(mbx_common::audit::tree::leaf_hash(&entry.encode()));
        }
        Box::pin(ready(Ok((tree.size(), tree.root()))))
    }

    fn leaves(&self, first: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Bytes>, ReadError>> {
        let altered = self.leaf.lock().unwrap().clone();
        Box::pin(async move {
            let mut leaves = self.memory.leaves(first, limit).await?;
            if let Some((position, leaf)) = altered
                && let Some(index) = position.checked_sub(first)
                && let Some(place) = leaves.get_mut(usize::try_from(index).unwrap())
            {
                *place = leaf.into();
            }
            Ok(leaves)
        })
    }

    fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(ContentId, u64)>, ReadError>> {
        self.memory.contents(after, limit)
    }

    fn check(&self, segment: Option<u32>) -> BoxFuture<'_, Result<Checked, ReadError>> {
        self.memory.check(segment)
    }

    fn space(&self) -> Space {
        self.memory.space()
    }

    fn stats(&self) -> Stats {
        self.memory.stats()
    }

    fn health(&self) -> Health {
        self.memory.health()
    }
}

/// A signing key in software, in the place of a token.
pub(super) struct SoftSigner {
    key: SoftKey,
    /// What it answers instead.
    failure: Mutex<Option<CustodyError>>,
}

enum SoftKey {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl SoftSigner {
    pub(super) fn ed25519() -> Self {
        let key = SoftKey::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap());
        Self { key, failure: Mutex::default() }
    }

    pub(super) fn ecdsa() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key: SoftKey::Ecdsa(key), failure: Mutex::default() }
    }

    pub(super) fn go_away(&self, is_away: bool) {
        let retry_after = Duration::from_secs(3);
        self.fail(is_away.then_some(CustodyError::Unavailable { retry_after }));
    }

    pub(super) fn fail(&self, failure: Option<CustodyError>) {
        *self.failure.lock().unwrap() = failure;
    }

    fn check(&self) -> Result<(), CustodyError> {
        self.failure.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Custody for SoftSigner {
    fn seal<'a>(
        &'a self,
        _: KeySpec,
        _: &'a Secret32,
    ) -> BoxFuture<'a, Result<Sealed, CustodyError>> {
        Box::pin(ready(Err(CustodyError::Policy)))
    }

    fn open<'a>(
        &'a self,
        _: KeyPurpose,
        _: &'a Sealed,
    ) -> BoxFuture<'a, Result<Secret32, CustodyError>> {
        Box::pin(ready(Err(CustodyError::Policy)))
    }

    fn sign<'a>(
        &'a self,
        _: KeySpec,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, CustodyError>> {
        let signature = |bytes: &[u8]| bytes.try_into().unwrap();
        let result = self.check().map(|()| match &self.key {
            SoftKey::Ed25519(pair) => Signature::Ed25519(signature(pair.sign(message).as_ref())),
            SoftKey::Ecdsa(pair) => {
                let raw = pair.sign(&SystemRandom::new(), message).unwrap();
                Signature::EcdsaP256(signature(raw.as_ref()))
            }
        });
        Box::pin(ready(result))
    }

    fn public(&self, _: KeySpec) -> BoxFuture<'_, Result<Public, CustodyError>> {
        let result = self.check().map(|()| match &self.key {
            SoftKey::Ed25519(pair) => {
                Public::Ed25519(pair.public_key().as_ref().try_into().unwrap())
            }
            SoftKey::Ecdsa(pair) => {
                Public::EcdsaP256(pair.public_key().as_ref().try_into().unwrap())
            }
        });
        Box::pin(ready(result))
    }

    fn generate(&self, _: KeySpec) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(ready(Ok(())))
    }

    fn expect_keys(&self, _: Vec<KeySpec>) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(ready(Ok(())))
    }

    fn status(&self) -> Status {
        panic!("the audit room does not ask")
    }

    fn changes(&self) -> watch::Receiver<State> {
        panic!("the audit room does not ask")
    }

    fn unlock(&self, _: SecretString) -> BoxFuture<'_, Result<(), CustodyError>> {
        Box::pin(ready(Ok(())))
    }

    fn lock(&self) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }

    fn test(&self) -> BoxFuture<'_, Result<Sheet, CustodyError>> {
        Box::pin(ready(Err(CustodyError::Policy)))
    }
}
