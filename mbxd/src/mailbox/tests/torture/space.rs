//! The disk fills up: both watermarks, and the way back.

use super::check::check;
use super::ledger::Book;
use super::machine::{Machine, Service};
use super::script::{Script, letter};
use crate::mailbox::AcceptError;
use crate::mailbox::staff::RegisterError;
use crate::mailbox::tests::{origin, registration};
use crate::store::{CommitError, Engine as _, Health};
use mbx_common::audit::{Entry, Event};
use mbx_common::error::Kind;
use mbx_common::id::RequestId;

const DELIVERIES: u64 = 800_000;
const WRITES: u64 = 400_000;
/// Somebody who is not registered yet.
const CLARA: &str = "198112289874";

fn leave_free(machine: &Machine, bytes: u64) {
    machine.disk.set_capacity(Some(machine.disk.used_bytes() + bytes));
}

async fn refused_delivery(service: &Service) -> AcceptError {
    let request = RequestId::from_bytes(crate::random::bytes());
    service.mailboxes.accept(letter(99, request)).await.unwrap_err()
}

/// Reads the mailbox of the first holder whole; each reading has its entry.
async fn read(script: &Script<'_>) {
    let before = script.service.store.tree().await.unwrap().0;
    let listed = script.list(0).await;
    assert!(!listed.is_empty());
    for (number, message) in &listed {
        let octets = script.open(0, *message).await;
        assert_eq!(octets, Some(super::script::body(*number)));
    }
    let request = script.book.begin(&[Event::MailboxViewed]);
    let visit = script.service.visit(super::script::HOLDERS[0], request).await.unwrap();
    script.service.mailboxes.view(&visit).await.unwrap();
    let entries = script.service.store.tree().await.unwrap().0 - before;
    assert_eq!(entries, u64::try_from(listed.len()).unwrap() + 2);
}

/// Drops what has expired and verifies the store, while nothing else is written.
async fn free_space_and_verify(script: &Script<'_>) {
    let Service { mailboxes, store, clock, .. } = script.service;
    let before = store.tree().await.unwrap().0;
    // The assertions of the readings are no longer of use.
    clock.advance(120_000);
    let swept = mailboxes.sweep().await.unwrap();
    assert!(swept.rows > 0);
    let job = mailboxes.start_verification(None, 100, &origin()).await.unwrap();
    assert_eq!(mailboxes.run_verification(job).await.unwrap().faults, 0);
    let written = store.leaves(before, usize::MAX).await.unwrap();
    let events: Vec<_> = written.iter().map(|leaf| Entry::decode(leaf).unwrap().event).collect();
    assert_eq!(events, [Event::RowsExpired, Event::JobStarted, Event::MailboxVerified]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_stops_deliveries_then_all_but_reading_and_lets_go_by_itself() {
    let machine = Machine::with_watermarks(DELIVERIES, WRITES);
    let book = Book::default();
    let service = machine.start().await.unwrap();
    let script = Script { service: &service, book: &book };
    script.set_up().await;
    for number in 0..6 {
        assert!(script.deliver(number).await);
    }
    leave_free(&machine, DELIVERIES - 1);
    let refused = refused_delivery(&service).await;
    assert!(matches!(refused, AcceptError::Commit(CommitError::SpaceLow)));
    assert_eq!(refused.kind(), Kind::Unavailable);
    read(&script).await;
    // Between the marks staff may still work.
    service.mailboxes.register(registration(CLARA), &origin()).await.unwrap();
    leave_free(&machine, WRITES - 1);
    assert!(matches!(refused_delivery(&service).await, AcceptError::Commit(_)));
    let anna = service
        .mailboxes
        .find(&super::script::HOLDERS[0].parse().unwrap(), &origin())
        .await
        .unwrap();
    let refused = service.mailboxes.suspend(anna, &origin()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    let other = service.mailboxes.register(registration("200001012384"), &origin()).await;
    assert!(matches!(other, Err(RegisterError::Commit(CommitError::SpaceLow))), "{other:?}");
    read(&script).await;
    free_space_and_verify(&script).await;
    machine.disk.set_capacity(None);
    for number in 6..10 {
        assert!(script.deliver(number).await, "deliveries come back by themselves");
    }
    service.mailboxes.suspend(anna, &origin()).await.unwrap();
    service.mailboxes.resume(anna, &origin()).await.unwrap();
    assert_eq!(service.engine.health(), Health::Serving);
    service.engine.close();
    drop(service);
    let ledger = book.ledger();
    assert_eq!(ledger.acknowledged(), 11);
    check(&machine, &ledger, "after a full disk").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_unawares_loses_nothing_acknowledged() {
    // No watermarks: nothing is refused before the disk itself does.
    let machine = Machine::new();
    let book = Book::default();
    let service = machine.start().await.unwrap();
    let script = Script { service: &service, book: &book };
    script.set_up().await;
    leave_free(&machine, 120_000);
    let mut refused = 0;
    for number in 0..200 {
        refused += usize::from(!script.deliver_once(number).await);
    }
    assert!((1..200).contains(&refused), "{refused} refused");
    machine.disk.set_capacity(None);
    service.settle();
    assert!(script.deliver(201).await);
    service.engine.close();
    drop(service);
    let ledger = book.ledger();
    let cut = machine.with_disk(machine.disk.after_power_loss(1));
    check(&cut, &ledger, "full unawares, power cut").await;
    check(&machine, &ledger, "full unawares").await;
}
