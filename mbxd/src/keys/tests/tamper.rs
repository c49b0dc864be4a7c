//! What a writer of the disk may try, and that nothing of it works.

use super::super::root_secret::{self, RootName, RootPurpose};
use super::*;
use crate::hsm::Secret32;

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

/// Opens after a root secret gave way to another that this token sealed and signed: a former one
/// that was put back, or one of an `init` that lost.
async fn opens_with_another(purpose: RootPurpose) -> Result<(), KeysError> {
    let (mut bench, _) = registered().await;
    let installation = bench.keys.installation().await.unwrap();
    let name = RootName { purpose, generation: 1, installation };
    let open = bench.keys.opened().unwrap();
    let other = Secret32::new([7; 32]);
    let now = bench.clock.now();
    let row = root_secret::make(&*bench.custody, &open.table, name, &other, now).await.unwrap();
    put(&bench, Table::RootSecret, &name.row_key(), row).await;
    bench.restart().await;
    let opened = bench.keys.open().await;
    assert_eq!(bench.keys.state(), KeysState::Locked { delivers: false });
    assert_eq!(bench.keys.status().altered, 1);
    opened
}

#[tokio::test]
async fn a_lookup_secret_that_is_signed_well_but_not_the_one_in_use_is_refused() {
    let opened = opens_with_another(RootPurpose::Lookup).await;
    assert!(matches!(opened, Err(KeysError::Altered(Thing::LookupCheck))), "{opened:?}");
}

#[tokio::test]
async fn a_register_secret_that_is_signed_well_but_not_the_one_in_use_is_refused() {
    let opened = opens_with_another(RootPurpose::Register).await;
    assert!(matches!(opened, Err(KeysError::Altered(Thing::RegisterCheck))), "{opened:?}");
}

#[tokio::test]
async fn a_check_row_that_is_gone_is_told() {
    for (key, thing) in
        [("lookup check", Thing::LookupCheck), ("register check", Thing::RegisterCheck)]
    {
        let (mut bench, _) = registered().await;
        let mut changes = Changes::new();
        changes.delete(Table::Meta, key);
        bench.commit(changes).await;
        bench.restart().await;
        let opened = bench.keys.open().await;
        assert!(matches!(opened, Err(KeysError::Missing(missing)) if missing == thing), "{key}");
    }
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
async fn nothing_secret_stands_in_rows_or_keyring_in_clear() {
    let (bench, _) = registered().await;
    let mut stored = Vec::new();
    for table in Table::ALL {
        for (key, value) in bench.store.scan(table, KeyRange::all(), 1000).await.unwrap().rows {
            stored.extend_from_slice(&key);
            stored.extend_from_slice(&value);
        }
    }
    let file = Records::open(&bench.disk, "keyring/00000001.keys").unwrap();
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
