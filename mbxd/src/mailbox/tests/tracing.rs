//! What `delivery trace` tells.

use super::*;
use crate::mailbox::staff::StaffError;
use mbx_common::audit::Subject;

/// More entries than are read at a time, and than may lie in another order.
async fn noise(world: &World) {
    for _ in 0..1500 {
        world.mailboxes.find(&ANNA.parse().unwrap(), &origin()).await.unwrap();
    }
}

#[tokio::test]
async fn a_trace_names_commit_and_audit_entry_among_thousands_of_others() {
    let (world, _) = World::with_anna().await;
    noise(&world).await;
    world.bench.clock.advance(60_000);
    let incoming = Incoming { received: world.bench.clock.now(), ..letter(1) };
    let delivery = world.mailboxes.accept(incoming).await.unwrap().delivery;
    let position = world.entries() - 1;
    world.bench.clock.advance(60_000);
    noise(&world).await;
    let trace = world.mailboxes.trace(delivery).await.unwrap();
    let place = trace.place.unwrap();
    assert_eq!(place.audit, u64::try_from(position).unwrap());
    assert_eq!(place.commit, place.audit + 1);
    let entry = &world.memory.entries()[position];
    assert!(entry.subjects.contains(&Subject::Delivery(delivery)));
    assert!(trace.commit_us.is_some());
}

#[tokio::test]
async fn of_the_deliveries_with_one_sender_id_the_newest_comes_first() {
    let (world, _) = World::with_anna().await;
    let mut sent = Vec::new();
    for number in 0..4 {
        world.bench.clock.advance(1000);
        let incoming = Incoming { received: world.bench.clock.now(), ..letter(number) };
        sent.push(world.mailboxes.accept(incoming).await.unwrap().delivery);
    }
    sent.reverse();
    let id = letter(0).messages[0].sender_id.clone();
    assert_eq!(world.mailboxes.trace_sender_id(&id).await.unwrap(), sent);
    let unknown = world.mailboxes.trace_sender_id("nobody's").await;
    assert!(matches!(unknown, Err(StaffError::NoDelivery)));
}
