use super::scene::Scene;
use crate::audit::{AuditError, Query};
use crate::store::CommitError;
use mbx_common::audit::{Actor, Event, Fact, Origin, Subject};
use mbx_common::error::Kind;
use mbx_common::id::MailboxId;

fn positions(rows: &[crate::audit::Row]) -> Vec<u64> {
    rows.iter().map(|row| row.position).collect()
}

#[tokio::test]
async fn a_search_finds_by_actor_subject_event_and_time_the_newest_first() {
    let scene = Scene::new();
    scene.act(3).await;
    let mailbox = Subject::Mailbox(MailboxId::from_bytes([3; 16]));
    let other = Origin::of(Actor::Daemon);
    let entry = other.entry(scene.clock.now(), Event::MailboxVerified).about(mailbox);
    scene.store.commit(crate::store::Changes::new(), entry).await.unwrap();
    scene.act(2).await;
    let find = async |query: Query| {
        let found = scene.log.search(&query, 3, &scene.origin()).await.unwrap();
        positions(&found.rows)
    };
    let at = |position: usize| scene.entries()[position].time;
    assert_eq!(find(Query::default()).await, [5, 4, 3]);
    let daemon = Query { actor: Some(Actor::Daemon), ..Query::default() };
    assert_eq!(find(daemon).await, [3]);
    assert_eq!(find(Query { subject: Some(mailbox), ..Query::default() }).await, [3]);
    let logins = Query { event: Some(Event::LoggedIn), ..Query::default() };
    assert_eq!(find(logins.clone()).await, [5, 4, 2]);
    let first = Query { since: Some(at(0)), until: Some(at(1)), ..logins };
    assert_eq!(find(first).await, [0]);
}

#[tokio::test]
async fn a_search_goes_on_from_its_cursor_without_gap_or_double() {
    let scene = Scene::new();
    scene.act(1203).await;
    let mut query = Query { event: Some(Event::LoggedIn), ..Query::default() };
    let mut seen = Vec::new();
    loop {
        let found = scene.log.search(&query, 100, &scene.origin()).await.unwrap();
        seen.extend(positions(&found.rows));
        query.before = found.next;
        if found.next.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..1203).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn reading_the_log_is_itself_in_the_log() {
    let scene = Scene::new();
    scene.act(3).await;
    let query = Query { event: Some(Event::LoggedIn), ..Query::default() };
    scene.log.search(&query, 2, &scene.origin()).await.unwrap();
    let entry = scene.entries().pop().unwrap();
    assert_eq!((entry.event, entry.actor), (Event::AuditSearched, Actor::Local(1000)));
    assert_eq!(entry.facts, [Fact::Count(2), Fact::Code(101)]);
    scene.log.tail(2, &scene.origin()).await.unwrap();
    assert_eq!(scene.count(Event::AuditSearched), 2);
}

#[tokio::test]
async fn where_the_reading_cannot_be_recorded_nothing_is_shown() {
    let scene = Scene::new();
    scene.act(3).await;
    scene.engine.memory.refuse(Some(CommitError::Unavailable));
    let searched = scene.log.search(&Query::default(), 2, &scene.origin()).await;
    assert!(matches!(searched, Err(AuditError::Commit(_))));
    assert_eq!(scene.log.tail(2, &scene.origin()).await.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn a_tail_shows_the_newest_and_then_each_new_entry_once() {
    let scene = Scene::new();
    scene.act(5).await;
    let mut tail = scene.log.tail(2, &scene.origin()).await.unwrap();
    assert_eq!(positions(&tail.more().await.unwrap()), [3, 4]);
    let own = tail.more().await.unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].entry.event, Event::AuditSearched);
    assert!(tail.more().await.unwrap().is_empty());
    scene.act(2).await;
    assert_eq!(positions(&tail.more().await.unwrap()), [6, 7]);
    assert!(tail.more().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_entry_is_named() {
    let scene = Scene::new();
    scene.act(5).await;
    scene.engine.alter(2, vec![1, 2, 3]);
    let searched = scene.log.search(&Query::default(), 9, &scene.origin()).await;
    assert!(matches!(searched, Err(AuditError::Entry { position: 2 })));
}
