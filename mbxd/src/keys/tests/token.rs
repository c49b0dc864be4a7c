//! The room over real tokens, each in a process of its own.

use super::*;
use crate::clock::Clock;
use crate::config::hsm::Hsm;
use crate::hsm::{Custody, HsmOptions, Pkcs11Custody};
use crate::store::back_end::{BackEnd, Disk};
use crate::store::{Store, memory};
use mbx_common::audit::{Actor, Entry, Event};
use mbx_common::time::Timestamp;
use mbx_tests::faults::{Faults, code};
use mbx_tests::token::{Kind as TokenKind, Token, alone_async, alone_async_on};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PATIENCE: Duration = Duration::from_secs(30);

/// Keys over a real token, a store in memory and a folder on the disk.
struct Real {
    token: Token,
    module: PathBuf,
    custody: Arc<Pkcs11Custody>,
    store: Store,
    keys: Keys,
}

impl Real {
    async fn start(token: Token, module: PathBuf) -> Self {
        let store = memory::engine();
        let (custody, keys) = process(&token, &module, &store, true).await;
        Self { token, module, custody, store, keys }
    }

    /// Initialised, open, two mailboxes registered.
    async fn registered(token: Token) -> (Self, Vec<MadeMailbox>) {
        let module = token.module();
        Self::registered_on(token, module).await
    }

    async fn registered_on(token: Token, module: PathBuf) -> (Self, Vec<MadeMailbox>) {
        let real = Self::start(token, module).await;
        let founding = real.keys.initialise().await.unwrap();
        real.commit(founding.changes().clone()).await;
        real.keys.open().await.unwrap();
        let batch = vec![new_mailbox(1, FIRST), new_mailbox(2, SECOND)];
        let made = real.keys.make_mailboxes(batch).await.unwrap();
        for mailbox in &made {
            real.commit(mailbox.changes.clone()).await;
        }
        (real, made)
    }

    async fn commit(&self, changes: Changes) {
        let entry = Entry::new(Timestamp::EPOCH, Event::Initialised, Actor::Daemon);
        self.store.commit(changes, entry).await.unwrap();
    }

    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>) {
        let mut changes = Changes::new();
        changes.put(table, Bytes::copy_from_slice(key), value);
        self.commit(changes).await;
    }

    async fn row(&self, table: Table, key: &[u8]) -> Vec<u8> {
        self.store.get(table, key).await.unwrap().unwrap().to_vec()
    }

    /// Stops the token's threads and starts them anew over the same store and folder.
    async fn restart(&mut self, with_pin: bool) {
        self.custody.stop().await;
        let (custody, keys) = process(&self.token, &self.module, &self.store, with_pin).await;
        self.custody = custody;
        self.keys = keys;
    }

    /// Seals a DEK as a delivery does.
    async fn deliver(&self, class: ProtectionClass) -> (Dek, SealedDek) {
        let found = self.keys.find(&number(FIRST)).await.unwrap().unwrap();
        let dek = Dek::generate();
        let sealed =
            seal_dek(&dek, &found.row.tier(class.tier()).public, &binding(1, class)).unwrap();
        (dek, sealed)
    }

    async fn read(
        &self,
        by: u8,
        class: ProtectionClass,
        sealed: &SealedDek,
    ) -> Result<Arc<Dek>, KeysError> {
        let key = self.keys.unlock_tier(session(by), mailbox(1), class.tier()).await?;
        key.open_dek(sealed, &binding(1, class))
    }

    async fn deliver_and_read(&self, by: u8, class: ProtectionClass) {
        let (dek, sealed) = self.deliver(class).await;
        let opened = self.read(by, class, &sealed).await.unwrap();
        assert!(bool::from(opened.ct_eq(&dek)));
    }

    async fn reaches(&self, wanted: HsmState) {
        let mut changes = self.custody.changes();
        let reached = changes.wait_for(|state| *state == wanted);
        let reached =
            tokio::time::timeout(PATIENCE, reached).await.is_ok_and(|state| state.is_ok());
        assert!(reached, "{:?}", self.custody.status());
    }
}

async fn process(
    token: &Token,
    module: &Path,
    store: &Store,
    with_pin: bool,
) -> (Arc<Pkcs11Custody>, Keys) {
    let config = Hsm {
        module: module.to_owned(),
        token_label: token.label().to_owned(),
        token_serial: token.serial().to_owned(),
        ..Hsm::default()
    };
    let pin = with_pin.then(|| token.pin().to_owned().into());
    let options = HsmOptions { config, development: true, pin, rejected_pin: None };
    let custody = Pkcs11Custody::start(options).unwrap();
    let wanted = if with_pin { HsmState::Ready } else { HsmState::Locked };
    let mut changes = custody.changes();
    let reached = tokio::time::timeout(PATIENCE, changes.wait_for(|state| *state == wanted)).await;
    assert!(reached.is_ok(), "{:?}", custody.status());
    let folder = token.dir().join("state");
    fs::create_dir_all(&folder).unwrap();
    let back_end: Arc<dyn BackEnd> = Arc::new(Disk::new(folder));
    let keys = Keys::load(Surroundings {
        custody: Arc::<Pkcs11Custody>::clone(&custody),
        store: store.clone(),
        back_end,
        clock: Clock::system(),
        cache: CacheBounds { keys_max: 100, idle_ms: 300_000, absolute_ms: 900_000 },
    });
    (custody, keys.await.unwrap())
}

/// init → open → register → deliver → read → restart → read again.
async fn whole_life(token: Token) {
    let (mut real, made) = Real::registered(token).await;
    let (dek, sealed) = real.deliver(ProtectionClass::Three).await;
    real.deliver_and_read(1, ProtectionClass::One).await;
    real.restart(true).await;
    assert!(matches!(real.read(1, ProtectionClass::Three, &sealed).await, Err(KeysError::Locked)));
    real.keys.open().await.unwrap();
    let opened = real.read(1, ProtectionClass::Three, &sealed).await.unwrap();
    assert!(bool::from(opened.ct_eq(&dek)));
    let record = real.keys.open_record(mailbox(1), &made[0].record).await.unwrap();
    assert_eq!(&record[..], RECORD);
    let unveiled = real.keys.unveil(person(2)).await.unwrap().unwrap();
    assert_eq!(&unveiled.record[..], SECOND.as_bytes());
    real.custody.stop().await;
}

#[test]
fn a_token_of_softhsm_serves_the_whole_life_of_a_mailbox() {
    alone_async(|token| async move { whole_life(token).await });
}

#[test]
fn a_token_of_kryoptic_serves_the_whole_life_of_a_mailbox() {
    alone_async_on(TokenKind::Kryoptic, |token| async move { whole_life(token).await });
}

#[test]
fn a_session_of_level_2_has_the_token_open_no_high_key() {
    alone_async(|token| async move {
        let module = token.fault_module();
        let faults = Faults::of(&token);
        let (real, _) = Real::registered_on(token, module).await;
        let high = real.keys.list().await.unwrap();
        let high = high.iter().find(|key| key.key.spec.purpose == KeyPurpose::KekHigh).unwrap();
        let high = high.key.spec.id.to_string();
        let high = high.strip_prefix("key_").unwrap();
        let uses = || faults.opened_with().iter().filter(|id| *id == high).count();
        let before = uses();
        for by in 1..=3 {
            real.deliver_and_read(by, ProtectionClass::One).await;
            real.deliver_and_read(by, ProtectionClass::Two).await;
        }
        assert_eq!(uses(), before);
        assert_eq!(real.keys.status().hsm.opened[2], 0);
        assert_eq!(real.keys.status().hsm.opened[1], 3);
        real.deliver_and_read(1, ProtectionClass::Three).await;
        assert_eq!(uses(), before + 1, "the count sees what it must not see above");
        assert_eq!(real.keys.status().hsm.opened[2], 1);
    });
}

#[test]
fn with_the_token_gone_deliveries_go_on_and_reading_says_when_to_come_back() {
    alone_async(|token| async move {
        let (module, faults) = (token.fault_module(), Faults::of(&token));
        let (real, _) = Real::registered_on(token, module).await;
        let class = ProtectionClass::Three;
        real.deliver_and_read(1, class).await;
        faults.fail("*", code::DEVICE_REMOVED);
        let (dek, sealed) = real.deliver(class).await;
        assert!(real.read(1, class, &sealed).await.is_ok(), "the session's key is in the cache");
        let error = real.read(2, class, &sealed).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
        assert!(error.retry_after().is_some());
        real.reaches(HsmState::Down).await;
        faults.repair();
        real.reaches(HsmState::Ready).await;
        let opened = real.read(2, class, &sealed).await.unwrap();
        assert!(bool::from(opened.ct_eq(&dek)));
    });
}

#[test]
fn a_locked_daemon_with_the_lookup_credential_finds_recipients_and_seals() {
    alone_async(|token| async move {
        let (mut real, _) = Real::registered(token).await;
        let credential = real.keys.lookup_credential().unwrap();
        real.restart(false).await;
        assert!(matches!(real.keys.find(&number(FIRST)).await, Err(KeysError::Locked)));
        let secret = parse_lookup_credential(&credential).unwrap();
        real.keys.provide_lookup(secret).await.unwrap();
        let (dek, sealed) = real.deliver(ProtectionClass::Three).await;
        assert!(real.read(1, ProtectionClass::Three, &sealed).await.is_err());
        real.keys.hsm_unlock(real.token.pin().to_owned().into()).await.unwrap();
        let opened = real.read(1, ProtectionClass::Three, &sealed).await.unwrap();
        assert!(bool::from(opened.ct_eq(&dek)));
    });
}

#[test]
fn a_flipped_byte_in_a_sealed_w_is_refused_and_the_token_goes_on() {
    alone_async(|token| async move {
        let (real, _) = Real::registered(token).await;
        let good = real.row(Table::MailboxKeys, mailbox(1).as_bytes()).await;
        for at in 139..139 + 79 {
            let mut bad = good.clone();
            bad[at] ^= 1;
            real.put(Table::MailboxKeys, mailbox(1).as_bytes(), bad).await;
            let refused = real.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await;
            assert_eq!(refused.unwrap_err().kind(), Kind::Corrupt, "byte {at}");
        }
        real.put(Table::MailboxKeys, mailbox(1).as_bytes(), good).await;
        real.deliver_and_read(1, ProtectionClass::One).await;
        assert_eq!(real.keys.status().hsm.epoch, 1, "the token was never opened anew");
    });
}

#[test]
fn anothers_sealed_w_is_refused() {
    alone_async(|token| async move {
        let (real, _) = Real::registered(token).await;
        let mut first = real.row(Table::MailboxKeys, mailbox(1).as_bytes()).await;
        let second = real.row(Table::MailboxKeys, mailbox(2).as_bytes()).await;
        first[139..218].copy_from_slice(&second[139..218]);
        real.put(Table::MailboxKeys, mailbox(1).as_bytes(), first).await;
        let refused = real.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await;
        assert!(matches!(refused, Err(KeysError::Altered(Thing::MailboxKeys))));
        assert_eq!(real.keys.status().altered, 1);
    });
}

#[test]
fn a_flipped_root_secret_is_refused() {
    alone_async(|token| async move {
        let (mut real, _) = Real::registered(token).await;
        for purpose in 1..=3 {
            let key = [purpose, 0, 0, 0, 1];
            let good = real.row(Table::RootSecret, &key).await;
            for at in [1, 5, 10, 30, 38, 40, 60, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                real.put(Table::RootSecret, &key, bad).await;
                let opened = real.keys.open().await;
                assert!(
                    matches!(opened, Err(KeysError::Altered(Thing::RootSecret))),
                    "{purpose} {at}: {opened:?}"
                );
            }
            real.put(Table::RootSecret, &key, good).await;
        }
        real.restart(true).await;
        real.keys.open().await.unwrap();
        real.deliver_and_read(1, ProtectionClass::Three).await;
    });
}

#[test]
fn a_full_batch_is_made_with_the_token_in_one_go() {
    alone_async(|token| async move {
        let real = {
            let module = token.module();
            Real::start(token, module).await
        };
        let founding = real.keys.initialise().await.unwrap();
        real.commit(founding.changes().clone()).await;
        real.keys.open().await.unwrap();
        let batch = (0..BATCH_MAX).map(|_| new_mailbox(1, FIRST)).collect();
        let made = real.keys.make_mailboxes(batch).await.unwrap();
        assert_eq!(made.len(), BATCH_MAX);
    });
}
