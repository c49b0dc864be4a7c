//! What is due is dropped, whatever lies beside it.

use super::*;
use crate::mailbox::row::{Due, Expiring, JtiRow, due_key};
use crate::store::{Changes, KeyRange, Row as _, Table};

/// With Anna registered and one message of hers whose restore window has just ended.
async fn with_erasable() -> World {
    let (world, _) = World::with_anna().await;
    world.mailboxes.accept(letter(1)).await.unwrap();
    let page = world.bench.store.scan(Table::MessagePlace, KeyRange::all(), 1).await.unwrap();
    let message = mbx_common::id::MessageId::from_slice(&page.rows[0].0).unwrap();
    let visit = world.visit(ANNA, Loa::Three).await;
    world.mailboxes.delete(&visit, message, None).await.unwrap();
    world.bench.clock.advance(world.mailboxes.options().restore_window_ms);
    world
}

async fn count(world: &World, table: Table) -> usize {
    world.bench.store.scan(table, KeyRange::all(), usize::MAX).await.unwrap().rows.len()
}

fn due(world: &World, what: Expiring, after_ms: u64, key: &[u8]) -> Bytes {
    let at = world.bench.clock.now().plus_millis(after_ms);
    due_key(&Due { at, what, key: Bytes::copy_from_slice(key) })
}

#[tokio::test]
async fn many_rows_that_are_due_later_today_hide_nothing_that_is_due_now() {
    let world = with_erasable().await;
    let mut changes = Changes::new();
    for what in [Expiring::Dedup, Expiring::Jti] {
        for n in 0..100_001_u32 {
            changes.put(Table::Retention, due(&world, what, 1, &n.to_be_bytes()), Bytes::new());
        }
    }
    world.bench.commit(changes).await;
    let swept = world.mailboxes.sweep().await.unwrap();
    assert_eq!((swept.messages, swept.damaged), (1, 0));
    assert_eq!(count(&world, Table::Message).await, 0);
    assert_eq!(count(&world, Table::Retention).await, 200_002);
}

#[tokio::test]
async fn damaged_rows_are_left_and_counted_and_the_rest_is_swept() {
    let world = with_erasable().await;
    let mut changes = Changes::new();
    let damaged = Bytes::from_static(b"\xff no row");
    for (what, table) in [
        (Expiring::Dedup, Table::Dedup),
        (Expiring::Jti, Table::Jti),
        (Expiring::DeletedMessage, Table::Message),
    ] {
        changes.put(table, Bytes::from_static(b"0"), damaged.clone());
        changes.put(Table::Retention, due(&world, what, 0, b"0"), Bytes::new());
    }
    let row = JtiRow { until: world.bench.clock.now(), opened: None };
    changes.put(Table::Jti, Bytes::from_static(b"1"), row.encode().unwrap());
    changes.put(Table::Retention, due(&world, Expiring::Jti, 0, b"1"), Bytes::new());
    changes.put(Table::Retention, Bytes::from_static(&[2, 0, 0]), Bytes::new());
    world.bench.commit(changes).await;
    let swept = world.mailboxes.sweep().await.unwrap();
    assert_eq!((swept.messages, swept.damaged), (1, 4));
    for table in [Table::Dedup, Table::Jti, Table::Message] {
        let rows = world.bench.store.scan(table, KeyRange::all(), 10).await.unwrap().rows;
        assert_eq!(rows, [(Bytes::from_static(b"0"), damaged.clone())]);
    }
    assert_eq!(count(&world, Table::Retention).await, 4);
    let again = world.mailboxes.sweep().await.unwrap();
    assert_eq!((again.rows, again.messages, again.damaged), (0, 0, 4));
}

#[tokio::test]
async fn a_key_whose_row_is_gone_already_is_dropped() {
    let (world, _) = World::with_anna().await;
    let mut changes = Changes::new();
    changes.put(Table::Retention, due(&world, Expiring::DeletedMessage, 0, b"gone"), Bytes::new());
    world.bench.commit(changes).await;
    let swept = world.mailboxes.sweep().await.unwrap();
    assert_eq!((swept.rows, swept.damaged), (1, 0));
    assert_eq!(count(&world, Table::Retention).await, 0);
}
