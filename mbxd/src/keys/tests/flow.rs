//! Making, delivering, reading, locking, restarting.

use super::*;

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
    let sealed = seal_dek(&Dek::generate(), &found.row.high.public, &high).unwrap();
    let key = bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await.unwrap();
    assert!(key.open_dek(&sealed, &high).is_err());
    assert!(key.open_dek(&sealed, &binding(1, ProtectionClass::One)).is_err());
}

#[tokio::test]
async fn delivering_needs_no_token() {
    let (bench, _) = registered().await;
    bench.custody.refuse(Some(CustodyError::Timeout));
    let found = bench.keys.find(&number(FIRST)).await.unwrap().unwrap();
    seal_dek(&Dek::generate(), &found.row.high.public, &binding(1, ProtectionClass::Three))
        .unwrap();
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
async fn a_key_that_the_token_opens_across_an_end_serves_its_act_and_is_not_kept() {
    let (bench, _) = registered().await;
    let ends: [fn(&Keys); 4] = [
        |keys| keys.end_session(session(1)),
        |keys| keys.forget_mailbox(mailbox(1)),
        Keys::purge,
        Keys::close,
    ];
    for end in ends {
        bench.custody.hold(true);
        let opening = bench.keys.unlock_tier(session(1), mailbox(1), Tier::High);
        let ending = async {
            bench.custody.waiting().await;
            end(&bench.keys);
            bench.custody.hold(false);
        };
        let (opened, ()) = tokio::join!(opening, ending);
        assert_eq!(opened.unwrap().tier(), Tier::High);
        assert_eq!(bench.keys.status().cached_keys, 0);
    }
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
    seal_dek(&Dek::generate(), &found.row.basic.public, &binding(1, ProtectionClass::One)).unwrap();
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
async fn a_lookup_credential_of_another_installation_is_refused_and_the_daemon_stays_locked() {
    let (mut bench, _) = registered().await;
    let (other, _) = registered().await;
    let own = bench.keys.lookup_credential().unwrap();
    let foreign = other.keys.lookup_credential().unwrap();
    bench.restart().await;
    let foreign = bench.keys.provide_lookup(parse_lookup_credential(&foreign).unwrap()).await;
    assert!(matches!(foreign, Err(KeysError::ForeignLookup)));
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    assert!(bench.keys.status().lookup_refused);
    assert!(matches!(bench.keys.find(&number(FIRST)).await, Err(KeysError::Locked)));
    bench.keys.provide_lookup(parse_lookup_credential(&own).unwrap()).await.unwrap();
    assert!(!bench.keys.status().lookup_refused);
    // One that was taken before stays in use beside a wrong one.
    let wrong = crate::hsm::Secret32::new([7; 32]);
    let wrong = bench.keys.provide_lookup(wrong).await;
    assert!(matches!(wrong, Err(KeysError::ForeignLookup)));
    assert!(bench.keys.find(&number(FIRST)).await.unwrap().is_some());
}

#[test]
fn what_is_no_lookup_credential_is_not_read_as_one() {
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
    drop(lost);
    let founding = bench.keys.initialise().await.unwrap();
    let side = founding.side_record(person(1), b"officer").await.unwrap();
    let mut changes = founding.changes();
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
    let (made, changes) = bench.keys.side_records(&persons).await.unwrap();
    bench.commit(changes).await;
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
async fn what_the_keys_protect_is_counted_once_a_minute_for_all_who_ask() {
    let (bench, _) = registered().await;
    let protected = async || bench.keys.list().await.unwrap().iter().find_map(|key| key.mailboxes);
    assert_eq!(protected().await, Some(2));
    let made =
        bench.keys.make_mailboxes(vec![new_mailbox(3, "198112289874")]).await.unwrap().remove(0);
    bench.commit(made.changes).await;
    bench.clock.advance(59_999);
    assert_eq!(protected().await, Some(2));
    bench.clock.advance(1);
    assert_eq!(protected().await, Some(3));
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
