//! The keyring's file: made by `init`, never lost, cut or rolled back unseen.

use super::*;
use crate::hsm::Secret32;

const FILE: &str = "keyring/00000001.keys";

async fn make(bench: &Bench, by: u8, text: &str) -> MadeMailbox {
    bench.keys.make_mailboxes(vec![new_mailbox(by, text)]).await.unwrap().remove(0)
}

async fn unlocks(bench: &Bench, by: u8) -> bool {
    bench.keys.unlock_tier(session(by), mailbox(by), Tier::High).await.is_ok()
}

/// Keys of the rows that say how much is in use.
async fn lengths(bench: &Bench) -> Vec<Bytes> {
    let range = KeyRange::prefix(b"keyring/len/");
    let page = bench.store.scan(Table::Meta, range, 100).await.unwrap();
    page.rows.into_iter().map(|(key, _)| key).collect()
}

#[tokio::test]
async fn a_lost_keyring_is_told_and_not_replaced_by_an_empty_one() {
    let (mut bench, _) = registered().await;
    bench.disk.delete(FILE);
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::Missing(Thing::Keyring))));
    assert_eq!(bench.disk.contents(FILE), None);
}

#[tokio::test]
async fn a_keyring_record_in_anothers_place_opens_nothing() {
    let (mut bench, _) = registered().await;
    let file = Records::open(&bench.disk, FILE).unwrap();
    let records: Vec<Bytes> =
        file.scan(0).unwrap().records.into_iter().map(|(_, record)| record).collect();
    // Two mailboxes of equal shape: their records have equal lengths, so swapping keeps positions.
    bench.disk.delete(FILE);
    let swapped = [2, 3, 0, 1].map(|at: usize| records[at].clone());
    Records::open(&bench.disk, FILE).unwrap().append(&swapped).unwrap();
    bench.restart().await;
    bench.keys.open().await.unwrap();
    let unlocked = bench.keys.unlock_tier(session(1), mailbox(1), Tier::Basic).await;
    assert!(matches!(unlocked, Err(KeysError::Altered(Thing::LifeSecret))));
}

/// Two registered mailboxes, and the keyring as it was when only the first was.
async fn with_an_older_copy() -> (Bench, Vec<u8>) {
    let bench = Bench::open().await;
    let first = make(&bench, 1, FIRST).await;
    bench.commit(first.changes).await;
    let older = bench.disk.contents(FILE).unwrap();
    let second = make(&bench, 2, SECOND).await;
    bench.commit(second.changes).await;
    (bench, older)
}

async fn is_refused_as_cut(bench: &mut Bench, left: Vec<u8>) {
    let whole = bench.disk.contents(FILE).unwrap();
    bench.disk.replace(FILE, left.clone());
    bench.restart().await;
    let opened = bench.keys.open().await.unwrap_err();
    let KeysError::KeyringCut { end, in_use } = opened else { panic!("{opened:?}") };
    assert!(end < in_use);
    assert_eq!(in_use, u64::try_from(whole.len()).unwrap());
    assert_eq!(opened.kind(), Kind::Corrupt);
    assert_eq!(
        opened.to_string(),
        format!(
            "the keyring ends at byte {end}, but {in_use} bytes of it are in use: it was cut, or \
             an older copy was put in its place"
        )
    );
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    assert_eq!(bench.disk.contents(FILE).unwrap(), left, "it is left as it is");
    bench.disk.replace(FILE, whole);
    bench.keys.open().await.expect("the newest copy, put back, opens without a restart");
    assert!(unlocks(bench, 1).await && unlocks(bench, 2).await);
}

#[tokio::test]
async fn an_older_copy_in_the_place_of_the_keyring_is_refused_at_opening() {
    let (mut bench, older) = with_an_older_copy().await;
    is_refused_as_cut(&mut bench, older).await;
}

#[tokio::test]
async fn a_keyring_that_was_cut_is_refused_at_opening_wherever_it_was_cut() {
    let (mut bench, older) = with_an_older_copy().await;
    let whole = bench.disk.contents(FILE).unwrap();
    for len in [512, older.len() - 1, older.len() + 1, whole.len() - 512, whole.len() - 1] {
        is_refused_as_cut(&mut bench, whole[..len].to_vec()).await;
    }
    let mut zeroed = older.clone();
    zeroed.resize(whole.len(), 0);
    is_refused_as_cut(&mut bench, zeroed).await;
}

#[tokio::test]
async fn a_crash_between_append_and_commit_leaves_a_keyring_that_opens_and_goes_on() {
    for seed in 0..20 {
        let (mut bench, _) = registered().await;
        let before = lengths(&bench).await;
        let orphan = make(&bench, 3, "197001012397").await;
        drop(orphan);
        bench.disk = bench.disk.after_power_loss(seed);
        bench.restart().await;
        bench.keys.open().await.unwrap();
        assert_eq!(lengths(&bench).await, before);
        let again = make(&bench, 3, "197001012397").await;
        bench.commit(again.changes).await;
        bench.disk = bench.disk.after_power_loss(seed);
        bench.restart().await;
        bench.keys.open().await.unwrap();
        assert!(unlocks(&bench, 1).await && unlocks(&bench, 3).await);
    }
}

#[tokio::test]
async fn a_torn_append_that_nothing_uses_is_cut_and_put_aside() {
    let (mut bench, _) = registered().await;
    let committed = bench.disk.contents(FILE).unwrap();
    drop(make(&bench, 3, "197001012397").await);
    let appended = bench.disk.contents(FILE).unwrap();
    bench.disk.replace(FILE, appended[..appended.len() - 300].to_vec());
    bench.restart().await;
    bench.keys.open().await.unwrap();
    assert_eq!(bench.disk.contents(FILE).unwrap(), committed);
    let aside = format!("{FILE}.torn-{}", committed.len());
    assert!(bench.disk.contents(&aside).is_some(), "{:?}", bench.disk.names());
}

#[tokio::test]
async fn units_committed_in_another_order_than_they_appended_keep_the_greater_length() {
    let mut bench = Bench::open().await;
    let first = make(&bench, 1, FIRST).await;
    let between = bench.disk.contents(FILE).unwrap();
    let second = make(&bench, 2, SECOND).await;
    bench.commit(second.changes).await;
    bench.commit(first.changes).await;
    bench.disk.replace(FILE, between);
    bench.restart().await;
    assert!(matches!(bench.keys.open().await, Err(KeysError::KeyringCut { .. })));
}

#[tokio::test]
async fn rows_of_lesser_lengths_do_not_pile_up() {
    let bench = Bench::open().await;
    for by in 1..20 {
        let made = make(&bench, by, FIRST).await;
        let mut changes = Changes::new();
        for step in made.changes.steps() {
            if let crate::store::Change::Put(table, key, value) = step {
                changes.put(*table, key.clone(), value.clone());
            } else if let crate::store::Change::Delete(table, key) = step {
                changes.delete(*table, key.clone());
            }
        }
        bench.commit(changes).await;
        assert_eq!(lengths(&bench).await.len(), 1);
    }
}

#[tokio::test]
async fn a_length_row_that_is_gone_altered_or_of_a_later_version_is_told() {
    let (mut bench, _) = registered().await;
    let key = lengths(&bench).await.remove(0);
    put(&bench, Table::Meta, &key, vec![2]).await;
    bench.restart().await;
    let later = bench.keys.open().await;
    let is_later =
        matches!(later, Err(KeysError::Version { thing: Thing::KeyringLen, version: 2 }));
    assert!(is_later, "{later:?}");
    put(&bench, Table::Meta, &key, vec![1, 1]).await;
    let altered = bench.keys.open().await;
    assert!(matches!(altered, Err(KeysError::Altered(Thing::KeyringLen))), "{altered:?}");
    let mut changes = Changes::new();
    changes.delete(Table::Meta, key);
    bench.commit(changes).await;
    let gone = bench.keys.open().await;
    assert!(matches!(gone, Err(KeysError::Missing(Thing::KeyringLen))), "{gone:?}");
    put(&bench, Table::Meta, b"keyring/len/\x00\x00\x00\x02\0\0\0\0\0\0\0\0", vec![1]).await;
    let foreign = bench.keys.open().await;
    assert!(matches!(foreign, Err(KeysError::Altered(Thing::KeyringLen))), "{foreign:?}");
}

/// Whoever holds the keys from before an opening may still be appending.
#[tokio::test]
async fn keys_opened_anew_append_behind_what_those_from_before_appended() {
    let (mut bench, _) = registered().await;
    let before = bench.keys.opened().unwrap();
    bench.keys.close();
    bench.keys.open().await.unwrap();
    let life = Secret32::new([7; 32]);
    let record = before.keyring.seal_person(person(7), &life);
    let position = before.keyring.append(vec![record]).await.unwrap()[0];
    let third = make(&bench, 3, "197001012397").await;
    bench.commit(third.changes).await;
    bench.restart().await;
    bench.keys.open().await.unwrap();
    let open = bench.keys.opened().unwrap();
    assert_eq!(open.keyring.person(person(7), position).await.unwrap().expose(), life.expose());
    assert!(unlocks(&bench, 1).await && unlocks(&bench, 3).await);
}

/// An `init` beside the disk of another installation, whose store is not there.
async fn beside(disk: &SimulatedDisk) -> Bench {
    let mut bench = Bench::bare().await;
    bench.disk = disk.clone();
    bench.restart().await;
    bench
}

#[tokio::test]
async fn init_leaves_a_keyring_that_lies_there_and_says_so() {
    let (mut bench, _) = registered().await;
    let before = bench.disk.contents(FILE).unwrap();
    let other = beside(&bench.disk).await;
    let refused = other.keys.initialise().await.unwrap_err();
    assert!(matches!(&refused, KeysError::KeyringThere { file } if file == FILE), "{refused:?}");
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(other.custody.keys_len(), 0, "no key is made for a set-up that cannot be");
    assert_eq!(
        refused.to_string(),
        "keyring/00000001.keys is the keyring of an installation whose store is not here"
    );
    assert_eq!(bench.disk.contents(FILE).unwrap(), before);
    bench.restart().await;
    bench.keys.open().await.unwrap();
    deliver_and_read(&bench, ProtectionClass::Three).await;
}

#[tokio::test]
async fn a_keyring_that_came_in_the_way_of_the_first_opening_is_not_replaced() {
    let (bench, _) = registered().await;
    let foreign = bench.disk.contents(FILE).unwrap();
    let other = Bench::bare().await;
    other.initialise().await;
    other.disk.replace(FILE, foreign.clone());
    let opened = other.keys.open().await;
    assert!(matches!(opened, Err(KeysError::KeyringThere { .. })), "{opened:?}");
    assert_eq!(other.disk.contents(FILE).unwrap(), foreign);
    other.disk.delete(FILE);
    other.keys.open().await.unwrap();
}

async fn set_up(bench: &Bench, officer: u8) -> Result<(), KeysError> {
    let founding = bench.keys.initialise().await?;
    let side = founding.side_record(person(officer), b"officer").await?;
    // The other set-up, if it may run at all, runs now.
    tokio::task::yield_now().await;
    let mut changes = founding.changes();
    changes.put(Table::SideRecord, person(officer).as_bytes().to_vec(), side.value);
    bench.commit(changes).await;
    Ok(())
}

#[tokio::test]
async fn of_two_inits_at_once_one_is_done_and_the_other_told() {
    let bench = Bench::bare().await;
    let (first, second) = tokio::join!(set_up(&bench, 1), set_up(&bench, 2));
    assert!(first.is_ok());
    assert!(matches!(second, Err(KeysError::AlreadyInitialised)), "{second:?}");
    bench.keys.open().await.unwrap();
    let unveiled = bench.keys.unveil(person(1)).await.unwrap().unwrap();
    assert_eq!(&unveiled.record[..], b"officer");
}

#[tokio::test]
async fn a_power_loss_anywhere_in_the_first_opening_loses_nothing() {
    for failing in 0..12 {
        let mut bench = Bench::bare().await;
        set_up(&bench, 1).await.unwrap();
        bench.disk = bench.disk.after_power_loss(failing);
        bench.restart().await;
        bench.disk.fail(failing, 1, Fault::Io);
        let _first = bench.keys.open().await;
        bench.disk.heal();
        bench.disk = bench.disk.after_power_loss(failing);
        bench.restart().await;
        bench.keys.open().await.unwrap();
        assert!(bench.keys.unveil(person(1)).await.unwrap().is_some(), "operation {failing}");
    }
}
