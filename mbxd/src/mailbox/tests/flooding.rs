//! Refused calls of a portal: the first of a minute is told, the others are counted.

use super::*;
use mbx_common::audit::Fact;
use mbx_common::error::Code;
use mbx_common::explain;

async fn refuse(world: &World, portal: Option<&str>, code: Code) {
    let request = RequestId::from_bytes(crate::random::bytes());
    world.mailboxes.refuse_portal(portal, None, request, code).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_one_portal_and_cause_is_one_entry_and_a_count() {
    let world = World::new().await;
    let before = world.entries();
    for _ in 0..1000 {
        refuse(&world, Some("my-pages"), explain::PORTAL_UNKNOWN).await;
    }
    refuse(&world, None, explain::PORTAL_UNKNOWN).await;
    refuse(&world, Some("my-pages"), explain::USAGE).await;
    let one = Event::HolderRefused;
    assert_eq!(world.events(before), [one, one, one]);
    world.mailboxes.flush_refusals(true).await.unwrap();
    assert_eq!(world.events(before + 3), [Event::HoldersRefusedCounted]);
    let told = world.last_entry();
    assert_eq!(told.actor, Actor::Portal("my-pages".to_owned()));
    assert!(told.facts.contains(&Fact::Count(999)));
    assert_eq!(told.reason, Some(explain::PORTAL_UNKNOWN.to_string()));
}
