use super::*;
use crate::mailbox::row::{MessageRow, message_key};
use crate::mailbox::staff::{Fault, VerifyError};
use crate::store::{Changes, KeyRange, Row as _, Table};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::Outcome;
use mbx_common::id::MessageId;

async fn full() -> (World, MailboxId) {
    let (world, anna) = World::with_anna().await;
    world.register(BO).await;
    world.mailboxes.accept(letter(1)).await.unwrap();
    world.mailboxes.accept(notify(&[ANNA, BO])).await.unwrap();
    (world, anna)
}

async fn faults(world: &World) -> Vec<Fault> {
    let verified = world.mailboxes.verify(None, 100, &origin()).await.unwrap();
    let mut faults: Vec<_> = verified.findings.iter().map(|finding| finding.fault).collect();
    assert_eq!(verified.faults, u64::try_from(faults.len()).unwrap());
    faults.dedup();
    faults
}

async fn first_message(world: &World) -> (Bytes, MessageRow) {
    let page = world.bench.store.scan(Table::Message, KeyRange::all(), 1).await.unwrap();
    (page.rows[0].0.clone(), MessageRow::decode(&page.rows[0].1).unwrap())
}

async fn change(world: &World, build: impl FnOnce(&mut Changes)) {
    let mut changes = Changes::new();
    build(&mut changes);
    world.bench.commit(changes).await;
}

#[tokio::test]
async fn a_sound_installation_has_no_findings_and_leaves_its_entry() {
    let (world, anna) = full().await;
    let verified = world.mailboxes.verify(None, 100, &origin()).await.unwrap();
    assert_eq!((verified.faults, verified.mailboxes, verified.messages), (0, 2, 3));
    assert!(verified.bytes > 0 && verified.entries > 0);
    let entry = world.last_entry();
    assert_eq!((entry.event, entry.outcome), (Event::MailboxVerified, Outcome::Done));
    let one = world.mailboxes.verify(Some(anna), 100, &origin()).await.unwrap();
    assert_eq!((one.faults, one.mailboxes, one.messages), (0, 1, 2));
    let unknown = MailboxId::from_bytes([9; 16]);
    let refused = world.mailboxes.verify(Some(unknown), 100, &origin()).await.unwrap_err();
    assert!(matches!(refused, VerifyError::NoMailbox));
}

#[tokio::test]
async fn verifying_needs_no_key() {
    let (mut world, _) = full().await;
    world.bench.keys.close();
    world.bench.restart().await;
    let surroundings = Surroundings {
        store: world.bench.store.clone(),
        keys: world.bench.keys.clone(),
        jobs: Jobs::new(world.bench.store.clone(), world.bench.clock.clone()),
        clock: world.bench.clock.clone(),
    };
    let locked = Mailboxes::new(surroundings, Options::default());
    assert_eq!(locked.verify(None, 100, &origin()).await.unwrap().faults, 0);
}

#[tokio::test]
async fn a_deleted_and_erased_message_is_no_fault() {
    let (world, _) = full().await;
    let (_, row) = first_message(&world).await;
    for number in [ANNA, BO] {
        let visit = world.visit(number, Loa::Four).await;
        if world.mailboxes.delete(&visit, row.id, None).await.is_ok() {
            break;
        }
    }
    assert_eq!(faults(&world).await, []);
    world.bench.clock.advance(world.mailboxes.options().restore_window_ms);
    assert_eq!(world.mailboxes.sweep().await.unwrap().messages, 1);
    assert_eq!(faults(&world).await, []);
}

#[tokio::test]
async fn a_removed_message_is_found() {
    let (world, _) = full().await;
    let (key, row) = first_message(&world).await;
    change(&world, |changes| {
        changes
            .delete(Table::Message, key.clone())
            .delete(Table::MessagePlace, row.id.as_bytes().to_vec());
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::MessageMissing]);
    change(&world, |changes| {
        changes.put(Table::MessagePlace, row.id.as_bytes().to_vec(), key);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::PlaceDangling, Fault::MessageMissing]);
}

#[tokio::test]
async fn a_planted_message_is_found() {
    let (world, _) = full().await;
    let (key, mut row) = first_message(&world).await;
    let (mailbox, sequence) = crate::mailbox::row::message_parts(&key).unwrap();
    row.id = MessageId::from_bytes([9; 16]);
    let planted = message_key(mailbox, sequence + 1000);
    change(&world, |changes| {
        changes.put(Table::Message, planted.clone(), row.encode().unwrap()).put(
            Table::MessagePlace,
            row.id.as_bytes().to_vec(),
            planted,
        );
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::NotInLog]);
}

#[tokio::test]
async fn a_message_whose_class_or_root_was_changed_is_found_in_rows_and_log() {
    let (world, _) = full().await;
    let (key, row) = first_message(&world).await;
    let other = match row.class {
        ProtectionClass::One => ProtectionClass::Two,
        ProtectionClass::Two | ProtectionClass::Three => ProtectionClass::One,
    };
    let class = MessageRow { class: other, ..row.clone() }.encode().unwrap();
    change(&world, |changes| {
        changes.put(Table::Message, key.clone(), class);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::Delivery, Fault::LogDiffers]);
    let root = MessageRow { content_root: [9; 32], ..row }.encode().unwrap();
    change(&world, |changes| {
        changes.put(Table::Message, key, root);
    })
    .await;
    assert_eq!(faults(&world).await, [Fault::Delivery, Fault::LogDiffers]);
}

#[tokio::test]
async fn a_missing_delivery_row_or_directory_row_is_found() {
    let (world, _) = full().await;
    let (_, row) = first_message(&world).await;
    change(&world, |changes| {
        changes.delete(Table::Delivery, row.delivery.as_bytes().to_vec());
    })
    .await;
    assert!(faults(&world).await.contains(&Fault::Delivery));
    let page = world.bench.store.scan(Table::Directory, KeyRange::all(), 10).await.unwrap();
    let key = page.rows[0].0.clone();
    change(&world, |changes| {
        changes.delete(Table::Directory, key);
    })
    .await;
    assert!(faults(&world).await.contains(&Fault::Directory));
}

#[tokio::test]
async fn a_damaged_row_is_found_and_the_rest_is_verified_all_the_same() {
    let (world, _) = full().await;
    let (key, _) = first_message(&world).await;
    change(&world, |changes| {
        changes.put(Table::Message, key, Bytes::from_static(b"\x01garbage"));
    })
    .await;
    let faults = faults(&world).await;
    assert!(faults.contains(&Fault::RowDamaged), "{faults:?}");
    assert!(faults.contains(&Fault::LogDiffers), "{faults:?}");
    assert_eq!(world.last_entry().outcome, Outcome::Failed);
}
