//! The room as a whole, over a token in software.

use super::testing::{Bench, SoftCustody};
use super::*;
use crate::cipher::{ContentRoot, Dek};
use crate::hsm::{CustodyError, KeyPurpose};
use crate::store::records::Records;
use crate::store::{Changes, KeyRange, Table};
use bytes::Bytes;
use mbx_common::assurance::{ProtectionClass, Tier};
use mbx_common::error::Kind;
use mbx_common::id::{DeliveryId, MailboxId, MessageId, PseudonymId};
use mbx_common::identity::NationalNumber;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const FIRST: &str = "191212121212";
const SECOND: &str = "189001019802";
const RECORD: &[u8] = b"who holds it";

fn number(text: &str) -> NationalNumber {
    text.parse().unwrap()
}

fn mailbox(byte: u8) -> MailboxId {
    MailboxId::from_bytes([byte; 16])
}

fn person(byte: u8) -> PseudonymId {
    PseudonymId::from_bytes([byte; 16])
}

fn session(byte: u8) -> HolderSession {
    HolderSession::from_digest([byte; 32])
}

fn new_mailbox(byte: u8, text: &str) -> NewMailbox {
    NewMailbox {
        mailbox: mailbox(byte),
        number: number(text),
        record: Zeroizing::new(RECORD.to_vec()),
        person: Some((person(byte), Zeroizing::new(text.as_bytes().to_vec()))),
    }
}

fn binding(byte: u8, class: ProtectionClass) -> Binding {
    Binding {
        mailbox: mailbox(byte),
        epoch: 1,
        delivery: DeliveryId::from_bytes([1; 16]),
        message: MessageId::from_bytes([2; 16]),
        class,
        place: 0,
        root: ContentRoot::from_bytes([3; 32]),
    }
}

/// Two registered mailboxes, and their encrypted register records.
async fn registered() -> (Bench, Vec<MadeMailbox>) {
    let bench = Bench::open().await;
    let batch = vec![new_mailbox(1, FIRST), new_mailbox(2, SECOND)];
    let made = bench.keys.make_mailboxes(batch).await.unwrap();
    for mailbox in &made {
        bench.commit(mailbox.changes.clone()).await;
    }
    (bench, made)
}

async fn put(bench: &Bench, table: Table, key: &[u8], value: impl Into<Bytes>) {
    let mut changes = Changes::new();
    changes.put(table, Bytes::copy_from_slice(key), value.into());
    bench.commit(changes).await;
}

async fn row(bench: &Bench, table: Table, key: &[u8]) -> Vec<u8> {
    bench.store.get(table, key).await.unwrap().unwrap().to_vec()
}

/// Seals a DEK as a delivery does, opens it as a holder does.
async fn deliver_and_read(bench: &Bench, class: ProtectionClass) {
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    let dek = Dek::generate();
    let sealed = seal_dek(&dek, &found.row.tier(class.tier()).public, &binding(1, class));
    let key = bench.keys.unlock_tier(session(1), mailbox(1), class.tier()).await.unwrap();
    let opened = key.open_dek(&sealed, &binding(1, class)).unwrap();
    assert!(bool::from(opened.ct_eq(&dek)));
}

#[tokio::test]
async fn what_is_delivered_to_a_registered_mailbox_is_read_by_its_key() {
    let (bench, made) = registered().await;
    for class in ProtectionClass::ALL {
        deliver_and_read(&bench, class).await;
    }
    let record = bench.keys.open_record(mailbox(2), &made[1].record).await.unwrap();
    assert_eq!(&record[..], RECORD);
}

#[tokio::test]
async fn a_restart_reads_everything_back() {
    let (mut bench, made) = registered().await;
    bench.restart().await;
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    bench.keys.open().await.unwrap();
    assert_eq!(bench.keys.state(), KeysState::Open);
    deliver_and_read(&bench, ProtectionClass::Three).await;
    let record = bench.keys.open_record(mailbox(1), &made[0].record).await.unwrap();
    assert_eq!(&record[..], RECORD);
    let unveiled = bench.keys.unveil(person(1)).await.unwrap().unwrap();
    assert_eq!(&unveiled.record[..], FIRST.as_bytes());
    assert_eq!(unveiled.commitment, made[0].side.as_ref().unwrap().commitment);
}

#[tokio::test]
async fn a_basic_reading_opens_no_high_key() {
    let (bench, _) = registered().await;
    deliver_and_read(&bench, ProtectionClass::One).await;
    deliver_and_read(&bench, ProtectionClass::Two).await;
    assert_eq!(bench.custody.opened(KeyPurpose::KekBasic), 1, "the second read hits the cache");
    assert_eq!(bench.custody.opened(KeyPurpose::KekHigh), 0);
    assert_eq!(bench.keys.status().hsm.opened[2], 0);
}

#[tokio::test]
async fn a_basic_key_refuses_a_high_dek() {
    let (bench, _) = registered().await;
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    let high = binding(1, ProtectionClass::Three);
    let sealed = seal_dek(&Dek::generate(), &found.row.high.public, &high);
    let key = bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await.unwrap();
    assert!(key.open_dek(&sealed, &high).is_err());
    assert!(key.open_dek(&sealed, &binding(1, ProtectionClass::One)).is_err());
}

#[tokio::test]
async fn delivering_needs_no_token() {
    let (bench, _) = registered().await;
    bench.custody.refuse(Some(CustodyError::Timeout));
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    seal_dek(&Dek::generate(), &found.row.high.public, &binding(1, ProtectionClass::Three));
    let error = bench.keys.unlock_tier(session(1), mailbox(1), Tier::High).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn an_opened_key_serves_its_session_without_the_token_until_it_expires() {
    let (bench, _) = registered().await;
    deliver_and_read(&bench, ProtectionClass::Three).await;
    bench.custody.refuse(Some(CustodyError::Timeout));
    let open = async |by| bench.keys.unlock_tier(session(by), mailbox(1), Tier::High).await;
    bench.clock.advance(5 * 60_000 - 1);
    assert!(open(1).await.is_ok());
    assert!(open(2).await.is_err(), "another session has not opened it");
    assert_eq!(bench.keys.status().cached_keys, 1);
    bench.clock.advance(5 * 60_000);
    bench.keys.sweep();
    assert_eq!(bench.keys.status().cached_keys, 0);
    assert!(open(1).await.is_err());
}

#[tokio::test]
async fn the_end_of_the_session_and_closing_drop_opened_keys() {
    let (bench, _) = registered().await;
    let open = async || {
        bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await.unwrap();
        bench.keys.status().cached_keys
    };
    assert_eq!(open().await, 1);
    bench.keys.end_session(session(2));
    assert_eq!(bench.keys.status().cached_keys, 1);
    bench.keys.end_session(session(1));
    assert_eq!(bench.keys.status().cached_keys, 0);
    assert_eq!(open().await, 1);
    bench.keys.forget_mailbox(mailbox(1));
    assert_eq!(bench.keys.status().cached_keys, 0);
    assert_eq!(open().await, 1);
    bench.keys.close();
    assert_eq!(bench.keys.status().cached_keys, 0);
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: true });
}

#[tokio::test]
async fn locked_with_the_lookup_credential_recipients_are_found_and_nothing_is_read() {
    let (mut bench, made) = registered().await;
    let text = bench.keys.lookup_credential().unwrap();
    let mark = bench.keys.mark(&[b"duplicate", b"x"]).unwrap();
    bench.restart().await;
    bench.custody.refuse(Some(CustodyError::Locked));
    assert!(matches!(bench.keys.find(&number(FIRST)).await, Err(KeysError::Locked)));
    let secret = parse_lookup_credential(&format!("{}\n", *text)).unwrap();
    bench.keys.provide_lookup(secret).await.unwrap();
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: true });
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    assert_eq!(found.row.mailbox, mailbox(1));
    assert_eq!(bench.keys.mark(&[b"duplicate", b"x"]).unwrap(), mark);
    seal_dek(&Dek::generate(), &found.row.basic.public, &binding(1, ProtectionClass::One));
    let read = bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await;
    assert!(matches!(read, Err(KeysError::Locked)));
    let record = bench.keys.open_record(mailbox(1), &made[0].record).await;
    assert!(matches!(record, Err(KeysError::Locked)));
    assert!(bench.keys.make_mailboxes(vec![new_mailbox(3, FIRST)]).await.is_err());
    bench.custody.refuse(None);
    bench.keys.open().await.unwrap();
    deliver_and_read(&bench, ProtectionClass::One).await;
}

#[tokio::test]
async fn a_wrong_lookup_credential_finds_nobody() {
    let (mut bench, _) = registered().await;
    bench.restart().await;
    let wrong = crate::hsm::Secret32::new([7; 32]);
    bench.keys.provide_lookup(wrong).await.unwrap();
    assert!(bench.keys.find(&number(FIRST)).await.unwrap().is_none());
    assert!(parse_lookup_credential("42").is_none());
    assert!(parse_lookup_credential(&"A".repeat(64)).is_none());
}

#[tokio::test]
async fn a_failed_opening_may_be_tried_again() {
    let (mut bench, _) = registered().await;
    bench.restart().await;
    bench.custody.refuse(Some(CustodyError::Timeout));
    assert!(matches!(bench.keys.open().await, Err(KeysError::Custody(CustodyError::Timeout))));
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    bench.custody.refuse(None);
    bench.keys.open().await.unwrap();
}

#[tokio::test]
async fn before_init_nothing_opens_and_init_runs_once() {
    let bench = Bench::bare().await;
    assert_eq!(bench.keys.state(), KeysState::Uninitialised);
    assert!(matches!(bench.keys.open().await, Err(KeysError::NotInitialised)));
    assert!(matches!(bench.keys.find(&number(FIRST)).await, Err(KeysError::NotInitialised)));
    bench.initialise().await;
    assert!(matches!(bench.keys.initialise().await, Err(KeysError::AlreadyInitialised)));
    bench.keys.open().await.unwrap();
    assert!(bench.keys.find(&number(FIRST)).await.unwrap().is_none());
}

#[tokio::test]
async fn an_init_that_was_never_committed_leaves_no_trace_in_the_next_one() {
    let bench = Bench::bare().await;
    let lost = bench.keys.initialise().await.unwrap();
    lost.side_record(person(9), b"never").await.unwrap();
    let founding = bench.keys.initialise().await.unwrap();
    let side = founding.side_record(person(1), b"officer").await.unwrap();
    let mut changes = founding.changes().clone();
    changes.put(Table::SideRecord, Bytes::copy_from_slice(person(1).as_bytes()), side.value);
    bench.commit(changes).await;
    bench.keys.open().await.unwrap();
    assert_eq!(bench.keys.installation().await.unwrap(), founding.installation());
    let unveiled = bench.keys.unveil(person(1)).await.unwrap().unwrap();
    assert_eq!(&unveiled.record[..], b"officer");
    assert!(bench.keys.unveil(person(9)).await.unwrap().is_none());
}

#[tokio::test]
async fn side_records_are_made_for_people_without_a_mailbox() {
    let bench = Bench::open().await;
    let persons = [(person(5), Zeroizing::new(b"clerk".to_vec()))];
    let made = bench.keys.side_records(&persons).await.unwrap();
    put(&bench, Table::SideRecord, person(5).as_bytes(), made[0].value.clone()).await;
    let unveiled = bench.keys.unveil(person(5)).await.unwrap().unwrap();
    assert_eq!(&unveiled.record[..], b"clerk");
    assert_eq!(unveiled.commitment, made[0].commitment);
    put(&bench, Table::SideRecord, person(6).as_bytes(), made[0].value.clone()).await;
    assert!(matches!(
        bench.keys.unveil(person(6)).await,
        Err(KeysError::Altered(Thing::LifeSecret))
    ));
}

#[tokio::test]
async fn a_batch_is_bounded_and_an_empty_one_writes_nothing() {
    let bench = Bench::open().await;
    let many = (0..=BATCH_MAX).map(|_| new_mailbox(1, FIRST)).collect();
    assert!(matches!(bench.keys.make_mailboxes(many).await, Err(KeysError::BatchTooLarge)));
    assert!(bench.keys.make_mailboxes(Vec::new()).await.unwrap().is_empty());
    let full = (0..BATCH_MAX).map(|_| new_mailbox(1, FIRST)).collect();
    assert_eq!(bench.keys.make_mailboxes(full).await.unwrap().len(), BATCH_MAX);
}

#[tokio::test]
async fn locking_the_token_ends_reading_and_unlocking_brings_it_back() {
    let (bench, _) = registered().await;
    deliver_and_read(&bench, ProtectionClass::One).await;
    bench.keys.hsm_lock().await;
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: true });
    assert_eq!(bench.keys.status().hsm.state, HsmState::Locked);
    assert!(bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await.is_err());
    let wrong = bench.keys.hsm_unlock("0000".into()).await;
    assert!(matches!(wrong, Err(KeysError::Custody(CustodyError::PinRejected))));
    bench.keys.hsm_unlock("1234".into()).await.unwrap();
    deliver_and_read(&bench, ProtectionClass::One).await;
}

#[tokio::test(start_paused = true)]
async fn the_keys_follow_the_token() {
    let (mut bench, _) = registered().await;
    bench.restart().await;
    bench.custody.refuse(Some(CustodyError::Timeout));
    let keys = bench.keys.clone();
    let failures = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&failures);
    let following = tokio::spawn(async move {
        let count = |_: &KeysError| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        keys.attend(count).await;
    });
    let reaches = async |wanted: KeysState| {
        let waited = async {
            while bench.keys.state() != wanted {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.unwrap();
    };
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    assert_eq!(failures.load(Ordering::Relaxed), 3, "tried at once and every five seconds");
    bench.custody.refuse(None);
    reaches(KeysState::Open).await;
    bench.custody.become_state(HsmState::PolicyViolated);
    reaches(KeysState::Locked { delivers: true }).await;
    bench.custody.become_state(HsmState::Ready);
    reaches(KeysState::Open).await;
    bench.custody.become_state(HsmState::Down);
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(bench.keys.state(), KeysState::Open, "a token that is merely away closes nothing");
    following.abort();
}

#[tokio::test]
async fn keys_are_listed_with_what_they_protect() {
    let (bench, _) = registered().await;
    let list = bench.keys.list().await.unwrap();
    assert_eq!(list.len(), 5);
    for key in list {
        let counted = matches!(key.key.spec.purpose, KeyPurpose::KekBasic | KeyPurpose::KekHigh);
        assert_eq!(key.mailboxes, counted.then_some(2), "{}", key.key.spec.purpose.name());
        assert_eq!(key.key.state, KeyState::Active);
    }
    assert_eq!(bench.keys.sign_key().unwrap().purpose, KeyPurpose::Sign);
}

// -- what a writer of the disk may try

/// Opens after a root secret's row was changed.
async fn opens_with(change: impl FnOnce(&mut Vec<u8>), purpose: u8) -> Result<(), KeysError> {
    let (mut bench, _) = registered().await;
    let key = [purpose, 0, 0, 0, 1];
    let mut value = row(&bench, Table::RootSecret, &key).await;
    change(&mut value);
    put(&bench, Table::RootSecret, &key, value).await;
    bench.restart().await;
    bench.keys.open().await
}

#[tokio::test]
async fn a_root_secret_with_a_flipped_byte_is_refused() {
    for at in (0..200).step_by(7) {
        let opened = opens_with(
            |row| {
                let at = at % row.len();
                row[at] ^= 4;
            },
            1,
        )
        .await;
        let altered = matches!(
            opened,
            Err(KeysError::Altered(Thing::RootSecret) | KeysError::Version { .. })
        );
        assert!(altered, "byte {at}");
    }
}

#[tokio::test]
async fn a_root_secret_cut_or_extended_is_refused() {
    assert!(opens_with(|row| row.truncate(row.len() - 1), 1).await.is_err());
    assert!(opens_with(|row| row.push(0), 2).await.is_err());
    assert!(opens_with(Vec::clear, 3).await.is_err());
}

#[tokio::test]
async fn a_root_secret_of_another_purpose_is_refused() {
    let (mut bench, _) = registered().await;
    let register = row(&bench, Table::RootSecret, &[1, 0, 0, 0, 1]).await;
    put(&bench, Table::RootSecret, &[2, 0, 0, 0, 1], register).await;
    bench.restart().await;
    let opened = bench.keys.open().await;
    assert!(matches!(opened, Err(KeysError::Altered(Thing::RootSecret))));
    assert_eq!(bench.keys.status().altered, 1);
}

#[tokio::test]
async fn a_root_secret_of_another_generation_is_refused() {
    let (mut bench, _) = registered().await;
    let keyring = row(&bench, Table::RootSecret, &[3, 0, 0, 0, 1]).await;
    put(&bench, Table::RootSecret, &[3, 0, 0, 0, 2], keyring).await;
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::Altered(Thing::RootSecret))));
}

/// Somebody who can have the token seal, or has the public key of a profile that has one, but
/// cannot sign.
#[tokio::test]
async fn a_root_secret_that_is_sealed_well_but_not_signed_is_refused() {
    let (mut bench, _) = registered().await;
    let other = Bench::open().await;
    let key = [1, 0, 0, 0, 1];
    let mine = row(&bench, Table::RootSecret, &key).await;
    let theirs = row(&other, Table::RootSecret, &key).await;
    // Their sealed secret and their signature in a row that names our installation and key.
    let planted = [&mine[..39], &theirs[39..]].concat();
    put(&bench, Table::RootSecret, &key, planted).await;
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::Altered(Thing::RootSecret))));
}

#[tokio::test]
async fn another_installations_name_is_refused() {
    let (mut bench, _) = registered().await;
    put(&bench, Table::Meta, b"installation", [[1].as_slice(), &[9; 16]].concat()).await;
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::Altered(Thing::RootSecret))));
}

#[tokio::test]
async fn a_key_that_is_gone_from_the_token_is_told() {
    let (mut bench, _) = registered().await;
    let kek = bench.keys.list().await.unwrap()[0].key.spec.id;
    bench.custody.destroy(kek);
    bench.restart().await;
    let opened = bench.keys.open().await;
    assert!(matches!(opened, Err(KeysError::Custody(CustodyError::UnknownKey))));
}

async fn both_keys(bench: &Bench) -> (Vec<u8>, Vec<u8>) {
    let first = row(bench, Table::MailboxKeys, mailbox(1).as_bytes()).await;
    (first, row(bench, Table::MailboxKeys, mailbox(2).as_bytes()).await)
}

async fn unlock_first(bench: &Bench, tier: Tier) -> Result<OpenedKey, KeysError> {
    bench.keys.unlock_tier(session(1), mailbox(1), tier).await
}

#[tokio::test]
async fn anothers_row_of_keys_is_refused() {
    let (bench, _) = registered().await;
    let (_, second) = both_keys(&bench).await;
    put(&bench, Table::MailboxKeys, mailbox(1).as_bytes(), second).await;
    let unlocked = unlock_first(&bench, Tier::Basic).await;
    assert!(matches!(unlocked, Err(KeysError::Altered(Thing::LifeSecret))));
}

/// Offsets in the row: `docs/formats/mailbox-keys.md`.
const BASIC: usize = 13;
const PRIVATE: usize = BASIC + 60;
const SEALED_LEN: usize = 2 + 16 + 32 + 64;

#[tokio::test]
async fn anothers_sealed_w_is_refused() {
    let (bench, _) = registered().await;
    let (mut first, second) = both_keys(&bench).await;
    let sealed = PRIVATE + 64..PRIVATE + 64 + SEALED_LEN;
    first[sealed.clone()].copy_from_slice(&second[sealed]);
    put(&bench, Table::MailboxKeys, mailbox(1).as_bytes(), first).await;
    let unlocked = unlock_first(&bench, Tier::Basic).await;
    assert!(matches!(unlocked, Err(KeysError::Altered(Thing::MailboxKeys))));
}

#[tokio::test]
async fn anothers_private_key_is_refused() {
    let (bench, _) = registered().await;
    let (mut first, second) = both_keys(&bench).await;
    let private = PRIVATE - 32..PRIVATE + 64;
    first[private.clone()].copy_from_slice(&second[private]);
    put(&bench, Table::MailboxKeys, mailbox(1).as_bytes(), first).await;
    let unlocked = unlock_first(&bench, Tier::Basic).await;
    assert!(matches!(unlocked, Err(KeysError::Altered(Thing::MailboxKeys))));
}

#[tokio::test]
async fn the_high_keys_in_the_place_of_the_basic_ones_are_refused_and_the_other_way_round() {
    let (bench, _) = registered().await;
    let (first, _) = both_keys(&bench).await;
    let (head, tiers) = first.split_at(BASIC);
    let (basic, high) = tiers.split_at(tiers.len() / 2);
    let swapped = [head, high, basic].concat();
    put(&bench, Table::MailboxKeys, mailbox(1).as_bytes(), swapped).await;
    for tier in Tier::ALL {
        assert!(unlock_first(&bench, tier).await.is_err());
    }
}

#[tokio::test]
async fn every_flipped_byte_of_a_tiers_keys_is_refused() {
    let (bench, _) = registered().await;
    let (first, _) = both_keys(&bench).await;
    for at in BASIC..PRIVATE + 64 + SEALED_LEN {
        // The id of the KEK is for counting; the sealed W names its key itself.
        if (BASIC + 12..BASIC + 28).contains(&at) {
            continue;
        }
        let mut flipped = first.clone();
        flipped[at] ^= 0x20;
        put(&bench, Table::MailboxKeys, mailbox(1).as_bytes(), flipped).await;
        assert!(unlock_first(&bench, Tier::Basic).await.is_err(), "byte {at}");
    }
    assert!(bench.keys.status().altered > 0);
}

#[tokio::test]
async fn a_directory_row_of_anothers_number_is_refused_and_counted() {
    let (bench, made) = registered().await;
    let second = row(&bench, Table::Directory, made[1].directory.as_bytes()).await;
    put(&bench, Table::Directory, made[0].directory.as_bytes(), second).await;
    let found = bench.keys.find(&number(FIRST)).await;
    assert!(matches!(found, Err(KeysError::Altered(Thing::DirectoryRow))));
    assert_eq!(bench.keys.status().altered, 1);
}

#[tokio::test]
async fn a_directory_row_with_anothers_public_key_is_refused() {
    let (bench, made) = registered().await;
    let mut first = row(&bench, Table::Directory, made[0].directory.as_bytes()).await;
    let second = row(&bench, Table::Directory, made[1].directory.as_bytes()).await;
    first[22..22 + PublicKey::LEN].copy_from_slice(&second[22..22 + PublicKey::LEN]);
    put(&bench, Table::Directory, made[0].directory.as_bytes(), first).await;
    let found = bench.keys.find(&number(FIRST)).await;
    assert!(matches!(found, Err(KeysError::Altered(Thing::DirectoryRow))));
}

#[tokio::test]
async fn anothers_register_record_is_refused() {
    let (bench, made) = registered().await;
    let read = bench.keys.open_record(mailbox(1), &made[1].record).await;
    assert!(matches!(read, Err(KeysError::Altered(Thing::RegisterRecord))));
    let again = bench.keys.close_record(mailbox(1), b"moved").await.unwrap();
    assert_eq!(&bench.keys.open_record(mailbox(1), &again).await.unwrap()[..], b"moved");
}

#[tokio::test]
async fn a_lost_keyring_is_told_and_not_replaced_by_an_empty_one() {
    let (mut bench, _) = registered().await;
    bench.back_end.remove("keyring/00000001.keys").unwrap();
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::Missing(Thing::Keyring))));
    assert!(bench.back_end.list("keyring").unwrap().is_empty());
}

#[tokio::test]
async fn a_keyring_record_in_anothers_place_opens_nothing() {
    let (mut bench, _) = registered().await;
    let name = "keyring/00000001.keys";
    let file = Records::open(&*bench.back_end, name).unwrap();
    let records: Vec<Bytes> =
        file.scan(0).unwrap().records.into_iter().map(|(_, record)| record).collect();
    // Two mailboxes of equal shape: their records have equal lengths, so swapping keeps positions.
    bench.back_end.remove(name).unwrap();
    let swapped = [2, 3, 0, 1].map(|at: usize| records[at].clone());
    Records::open(&*bench.back_end, name).unwrap().append(&swapped).unwrap();
    bench.restart().await;
    bench.keys.open().await.unwrap();
    let unlocked = unlock_first(&bench, Tier::Basic).await;
    assert!(matches!(unlocked, Err(KeysError::Altered(Thing::LifeSecret))));
}

#[tokio::test]
async fn nothing_secret_stands_in_rows_or_keyring_in_clear() {
    let (bench, _) = registered().await;
    let mut stored = Vec::new();
    for table in Table::ALL {
        for (key, value) in bench.store.scan(table, KeyRange::all(), 1000).await.unwrap().rows {
            stored.extend_from_slice(&key);
            stored.extend_from_slice(&value);
        }
    }
    let file = Records::open(&*bench.back_end, "keyring/00000001.keys").unwrap();
    for (_, record) in file.scan(0).unwrap().records {
        stored.extend_from_slice(&record);
    }
    let lookup = bench.keys.lookup_credential().unwrap();
    let lookup = parse_lookup_credential(&lookup).unwrap();
    for secret in [FIRST.as_bytes(), SECOND.as_bytes(), RECORD, lookup.expose()] {
        assert!(!stored.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn a_handle_shows_no_secret() {
    let (bench, made) = registered().await;
    let key = bench.keys.unlock_tier(session(1), mailbox(1), Tier::High).await.unwrap();
    let shown = format!("{:?} {key:?} {:?}", bench.keys, new_mailbox(1, FIRST));
    assert!(!shown.contains(FIRST), "{shown}");
    assert!(shown.contains("redacted"), "{shown}");
    assert!(!format!("{:?}", made[0].directory).contains(','));
}

/// The test token refuses what the real one does, so that the tests above mean something.
#[tokio::test]
async fn the_test_token_opens_a_secret_for_its_own_purpose_only() {
    use crate::hsm::{Custody, KeySpec, Secret32};
    let custody = SoftCustody::default();
    let id = mbx_common::id::KeyId::from_bytes([1; 16]);
    let spec = KeySpec { id, purpose: KeyPurpose::KekBasic, version: 1 };
    custody.generate(spec).await.unwrap();
    let sealed = custody.seal(spec, &Secret32::new([5; 32])).await.unwrap();
    assert!(custody.open(KeyPurpose::KekBasic, &sealed).await.is_ok());
    assert_eq!(
        custody.open(KeyPurpose::KekHigh, &sealed).await.unwrap_err(),
        CustodyError::Tampered
    );
    custody.refuse(Some(CustodyError::Unavailable { retry_after: Duration::from_secs(1) }));
    assert!(custody.open(KeyPurpose::KekBasic, &sealed).await.is_err());
}
