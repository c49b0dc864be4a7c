use super::*;
use crate::hsm::CustodyError;
use crate::mailbox::incoming::{Refusal, Stage};
use crate::mailbox::recipients::Recipient::{Fresh, SameAs, Unreachable};
use crate::mailbox::staff::{DeliveryFilter, FileBatch};
use crate::mailbox::{AcceptError, DeliveryOutcome};
use crate::store::{CommitError, KeyRange, Table};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Fact, Outcome, Subject};
use mbx_common::error::{Code, Kind};
use std::time::Duration;

async fn rows(world: &World, table: Table) -> usize {
    world.bench.store.scan(table, KeyRange::all(), 10_000).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_delivery_is_one_unit_of_work_with_its_entry() {
    let (world, mailbox) = World::with_anna().await;
    let before = world.entries();
    let accepted = world.mailboxes.accept(letter(1)).await.unwrap();
    assert_eq!(accepted.statuses, [true]);
    assert!(!accepted.repeated);
    assert_eq!(world.events(before), [Event::DeliveryAccepted]);
    let entry = world.last_entry();
    assert!(entry.subjects.contains(&Subject::Delivery(accepted.delivery)));
    assert!(entry.subjects.contains(&Subject::Mailbox(mailbox)));
    assert!(entry.facts.contains(&Fact::Class(3)));
    assert!(entry.facts.iter().any(|fact| matches!(fact, Fact::ContentRoot(_))));
    assert_eq!(rows(&world, Table::Message).await, 1);
    assert_eq!(rows(&world, Table::MessagePlace).await, 1);
}

#[tokio::test]
async fn the_same_delivery_again_gets_the_original_answer_and_stores_nothing() {
    let (world, _) = World::with_anna().await;
    let first = world.mailboxes.accept(letter(1)).await.unwrap();
    let before = world.entries();
    let again = world.mailboxes.accept(letter(1)).await.unwrap();
    assert_eq!((again.delivery, &again.statuses), (first.delivery, &first.statuses));
    assert!(again.repeated);
    assert_eq!(world.events(before), [Event::DeliveryRepeated]);
    assert_eq!(rows(&world, Table::Message).await, 1);
    let trace = world.mailboxes.trace(first.delivery).await.unwrap();
    assert_eq!(trace.facts.repeats, 1);
}

#[tokio::test]
async fn other_content_another_sender_or_another_recipient_is_no_repeat() {
    let (world, _) = World::with_anna().await;
    world.register(BO).await;
    world.mailboxes.accept(letter(1)).await.unwrap();
    assert!(!world.mailboxes.accept(letter(2)).await.unwrap().repeated);
    let other_sender = Incoming { sender: "162021000225".parse().unwrap(), ..letter(1) };
    assert!(!world.mailboxes.accept(other_sender).await.unwrap().repeated);
    let other_recipient = Incoming { recipients: numbers(&[BO]), ..letter(1) };
    assert!(!world.mailboxes.accept(other_recipient).await.unwrap().repeated);
    assert_eq!(rows(&world, Table::Message).await, 4);
}

#[tokio::test]
async fn a_repeat_is_known_for_its_window_and_no_longer() {
    let (world, _) = World::with_anna().await;
    let options = world.mailboxes.options();
    world.mailboxes.accept(letter(1)).await.unwrap();
    world.mailboxes.accept(notify(&[ANNA])).await.unwrap();
    world.bench.clock.advance(options.notify_repeat_window_ms - 1);
    assert!(world.mailboxes.accept(notify(&[ANNA])).await.unwrap().repeated);
    world.bench.clock.advance(1);
    assert!(!world.mailboxes.accept(notify(&[ANNA])).await.unwrap().repeated);
    let rest = options.repeat_window_ms - options.notify_repeat_window_ms;
    world.bench.clock.advance(rest - 1);
    assert!(world.mailboxes.accept(letter(1)).await.unwrap().repeated);
    world.bench.clock.advance(1);
    assert!(!world.mailboxes.accept(letter(1)).await.unwrap().repeated);
}

#[tokio::test]
async fn nobody_here_is_answered_as_not_delivered_and_stores_a_row_alone() {
    let world = World::new().await;
    let before = world.entries();
    let answered = world.mailboxes.accept(letter(1)).await.unwrap();
    assert_eq!((answered.statuses, answered.repeated), (vec![false], false));
    assert_eq!(world.events(before), [Event::DeliveryNotDeliverable]);
    assert_eq!(rows(&world, Table::Message).await, 0);
    assert_eq!(rows(&world, Table::Dedup).await, 0);
    let trace = world.mailboxes.trace(answered.delivery).await.unwrap();
    assert_eq!(trace.facts.outcome, DeliveryOutcome::NotDeliverable);
}

#[tokio::test]
async fn who_registers_afterwards_gets_the_delivery_that_is_sent_again() {
    let world = World::new().await;
    assert_eq!(world.mailboxes.accept(letter(1)).await.unwrap().statuses, [false]);
    world.register(ANNA).await;
    let again = world.mailboxes.accept(letter(1)).await.unwrap();
    assert_eq!((again.statuses, again.repeated), (vec![true], false));
}

#[tokio::test]
async fn a_suspended_mailbox_receives_nothing_until_it_is_resumed() {
    let (world, mailbox) = World::with_anna().await;
    world.mailboxes.suspend(mailbox, &origin()).await.unwrap();
    assert_eq!(world.mailboxes.accept(letter(1)).await.unwrap().statuses, [false]);
    world.mailboxes.resume(mailbox, &origin()).await.unwrap();
    assert_eq!(world.mailboxes.accept(letter(1)).await.unwrap().statuses, [true]);
}

#[tokio::test]
async fn a_number_that_no_one_can_have_is_not_delivered() {
    let (world, _) = World::with_anna().await;
    let incoming = Incoming { recipients: vec![None], ..letter(1) };
    assert_eq!(world.mailboxes.accept(incoming).await.unwrap().statuses, [false]);
}

#[tokio::test]
async fn a_notify_stores_content_once_and_answers_each_in_order() {
    let (world, anna) = World::with_anna().await;
    let bo = world.register(BO).await;
    let unknown = "200001012384";
    let answered = world.mailboxes.accept(notify(&[BO, unknown, ANNA, BO])).await.unwrap();
    assert_eq!(answered.statuses, [true, false, true, true]);
    let trace = world.mailboxes.trace(answered.delivery).await.unwrap();
    assert_eq!(trace.mailboxes, [bo, anna]);
    assert_eq!(trace.contents.len(), 3);
    assert_eq!(rows(&world, Table::Message).await, 2);
}

#[tokio::test]
async fn a_notify_that_repeats_some_recipients_serves_the_others_under_a_fresh_id() {
    let (world, _) = World::with_anna().await;
    world.register(BO).await;
    let first = world.mailboxes.accept(notify(&[ANNA])).await.unwrap();
    let second = world.mailboxes.accept(notify(&[ANNA, BO])).await.unwrap();
    assert_ne!(first.delivery, second.delivery);
    assert_eq!((second.statuses, second.repeated), (vec![true, true], false));
    assert_eq!(rows(&world, Table::Message).await, 2);
    let third = world.mailboxes.accept(notify(&[ANNA, BO])).await.unwrap();
    assert!(third.repeated);
    assert_eq!(rows(&world, Table::Message).await, 2);
}

#[tokio::test]
async fn a_thousand_recipients_get_one_content() {
    let world = World::new().await;
    let numbers: Vec<String> = (0..1000).map(person).collect();
    for (n, some) in (0_u64..).zip(numbers.chunks(200)) {
        let batch = FileBatch {
            file_sha256: [7; 32],
            rows_total: 1000,
            first_row: 200 * n,
            rows: some.iter().map(|number| Ok(registration(number))).collect(),
        };
        let done = world.mailboxes.register_batch(batch, &origin()).await.unwrap();
        assert_eq!((done.registered, done.refused), (200 * (n + 1), vec![]));
    }
    let recipients: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let answered = world.mailboxes.accept(notify(&recipients)).await.unwrap();
    assert!(answered.statuses.iter().all(|delivered| *delivered));
    assert_eq!(world.mailboxes.trace(answered.delivery).await.unwrap().contents.len(), 3);
    assert_eq!(rows(&world, Table::Message).await, 1000);
}

#[tokio::test]
async fn a_call_to_a_thousand_lets_others_have_their_turn() {
    let world = World::new().await;
    let numbers: Vec<String> = (0..1000).map(person).collect();
    let recipients: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let incoming = notify(&recipients);
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        resolved = world.mailboxes.resolve(&incoming) => assert_eq!(resolved.unwrap().0.len(), 1000),
        () = others => {}
    }
    assert!(turns >= 10, "{turns}");
}

#[tokio::test]
async fn a_number_named_again_costs_no_second_look() {
    let (world, _) = World::with_anna().await;
    let resolved = world.mailboxes.resolve(&notify(&[BO, ANNA, BO, ANNA, BO])).await.unwrap();
    let [Unreachable, Fresh(_), SameAs(0), SameAs(1), SameAs(0)] = resolved.0.as_slice() else {
        panic!("each number is looked up once")
    };
    assert_eq!(resolved.statuses(), [false, true, false, true, false]);
}

#[test]
fn marks_of_the_two_operations_and_of_other_octets_differ() {
    let [secure, notify] = [Operation::DeliverSecure, Operation::Notify];
    assert_eq!(RepeatMark::of(secure, b"x"), RepeatMark::of(secure, b"x"));
    assert_ne!(RepeatMark::of(secure, b"x"), RepeatMark::of(secure, b"y"));
    assert_ne!(RepeatMark::of(secure, b"x"), RepeatMark::of(notify, b"x"));
}

/// A personal number of its own for each n under 1,000.
fn person(n: u32) -> String {
    let head = format!("198001{:02}{:03}", 1 + n / 500, 1 + n % 500);
    let numbers = (0..10).map(|digit| format!("{head}{digit}"));
    numbers.into_iter().find(|number| number.parse::<NationalNumber>().is_ok()).unwrap()
}

#[tokio::test]
async fn two_equal_deliveries_at_once_are_stored_once_and_answered_alike() {
    let (world, _) = World::with_anna().await;
    let calls = (0..8).map(|_| world.mailboxes.accept(letter(1)));
    let answers = futures_util::future::join_all(calls).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.delivery == answers[0].delivery));
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert_eq!(rows(&world, Table::Message).await, 1);
}

#[tokio::test]
async fn the_hsm_may_be_away() {
    let (world, _) = World::with_anna().await;
    let away = CustodyError::Unavailable { retry_after: Duration::from_secs(5) };
    world.bench.custody.refuse(Some(away));
    assert_eq!(world.mailboxes.accept(letter(1)).await.unwrap().statuses, [true]);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_accepted_and_leaves_no_mark() {
    let (world, _) = World::with_anna().await;
    world.memory.refuse(Some(CommitError::Unavailable));
    let refused = world.mailboxes.accept(letter(1)).await.unwrap_err();
    assert!(matches!(refused, AcceptError::Commit(CommitError::Unavailable)));
    assert_eq!(refused.kind(), Kind::Unavailable);
    world.memory.refuse(None);
    let again = world.mailboxes.accept(letter(1)).await.unwrap();
    assert!(!again.repeated);
}

#[tokio::test]
async fn nothing_readable_stands_in_the_store() {
    let (world, _) = World::with_anna().await;
    world.mailboxes.accept(letter(1)).await.unwrap();
    let mut stored = Vec::new();
    for table in Table::ALL {
        for (key, value) in
            world.bench.store.scan(table, KeyRange::all(), 10_000).await.unwrap().rows
        {
            stored.extend_from_slice(&key);
            stored.extend_from_slice(&value);
        }
    }
    for page in world.bench.store.leaves(0, 1000).await.unwrap() {
        stored.extend_from_slice(&page);
    }
    let trace = world.mailboxes.deliveries(DeliveryFilter::default()).await.unwrap();
    let trace = world.mailboxes.trace(trace.deliveries[0].delivery).await.unwrap();
    for id in trace.contents {
        stored.extend_from_slice(&world.bench.store.content(id, 0..1 << 20).await.unwrap());
    }
    let seeded: [&[u8]; 6] = [
        ANNA.as_bytes(),
        fixture::BODY,
        fixture::ATTACHMENT,
        fixture::SUBJECT.as_bytes(),
        b"decision.pdf",
        b"2f0e7a52-0000-4000-8000-0000000000c1",
    ];
    for seed in seeded {
        assert!(!stored.windows(seed.len()).any(|window| window == seed));
    }
}

#[tokio::test]
async fn a_delivery_is_found_by_its_sender_id_and_traced() {
    let (world, anna) = World::with_anna().await;
    let stages = vec![(Stage::Received, 900), (Stage::Signature, 2200)];
    let incoming = Incoming { stages, ..letter(1) };
    let accepted = world.mailboxes.accept(incoming).await.unwrap();
    let found =
        world.mailboxes.trace_sender_id("2f0e7a52-0000-4000-8000-0000000000c1").await.unwrap();
    assert_eq!(found, [accepted.delivery]);
    let trace = world.mailboxes.trace(accepted.delivery).await.unwrap();
    assert_eq!(trace.mailboxes, [anna]);
    assert_eq!(trace.facts.class, Some(ProtectionClass::Three));
    let names: Vec<_> = trace.stages.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(names, [Stage::Received, Stage::Signature, Stage::Recipient, Stage::Sealed]);
    assert!(world.mailboxes.trace_sender_id("another").await.is_err());
}

fn refusal(world: &World) -> Refusal {
    Refusal {
        request: RequestId::from_bytes([1; 16]),
        received: world.bench.clock.now(),
        peer: None,
        operation: None,
        dispatcher: Some("162021000225".parse().unwrap()),
        sender: None,
        cause: Code(4001),
        fault: 5001,
        stages: Vec::new(),
    }
}

#[tokio::test]
async fn a_refusal_is_written_where_the_count_of_the_minute_before_cannot_be() {
    let world = World::new().await;
    for _ in 0..3 {
        world.mailboxes.refuse(refusal(&world)).await.unwrap();
    }
    world.bench.clock.advance(60_000);
    let before = world.entries();
    world.memory.refuse_once(CommitError::Unavailable);
    let told = world.mailboxes.refuse(refusal(&world)).await.unwrap_err();
    assert_eq!(told.kind(), Kind::Unavailable);
    assert_eq!(world.events(before), [Event::DeliveryRefused]);
}

#[tokio::test]
async fn a_refusal_is_written_again_in_the_minute_whose_first_could_not_be() {
    let world = World::new().await;
    for _ in 0..3 {
        world.mailboxes.refuse(refusal(&world)).await.unwrap();
    }
    world.bench.clock.advance(60_000);
    let before = world.entries();
    world.memory.refuse(Some(CommitError::Unavailable));
    world.mailboxes.refuse(refusal(&world)).await.unwrap_err();
    world.memory.refuse(None);
    world.mailboxes.refuse(refusal(&world)).await.unwrap();
    let told = [Event::DeliveriesRefusedCounted, Event::DeliveryRefused];
    assert_eq!(world.events(before), told, "what the minute before counted is not lost");
}

#[tokio::test]
async fn refusals_are_listed_and_floods_counted() {
    let world = World::new().await;
    let refusal = refusal(&world);
    let before = world.entries();
    for _ in 0..50 {
        world.mailboxes.refuse(refusal.clone()).await.unwrap();
    }
    assert_eq!(world.events(before), [Event::DeliveryRefused]);
    assert_eq!(world.last_entry().outcome, Outcome::Refused);
    world.bench.clock.advance(60_000);
    world.mailboxes.flush_refusals(false).await.unwrap();
    assert_eq!(world.events(before), [Event::DeliveryRefused, Event::DeliveriesRefusedCounted]);
    assert!(world.last_entry().facts.contains(&Fact::Count(49)));
    let refused =
        DeliveryFilter { outcome: Some(DeliveryOutcome::Refused), ..DeliveryFilter::default() };
    let page = world.mailboxes.deliveries(refused).await.unwrap();
    let calls: u64 = page.deliveries.iter().map(|delivery| delivery.calls).sum();
    assert_eq!((page.deliveries.len(), calls), (2, 50));
    assert!(page.deliveries.iter().any(|facts| facts.refusal == Some((Code(4001), 5001))));
}

#[tokio::test]
async fn deliveries_are_listed_in_pages_newest_first() {
    let (world, _) = World::with_anna().await;
    for n in 0..5 {
        let received = world.bench.clock.now();
        world.mailboxes.accept(Incoming { received, ..letter(n) }).await.unwrap();
        world.bench.clock.advance(10);
    }
    let mut seen = Vec::new();
    let mut filter = DeliveryFilter { limit: Some(2), ..DeliveryFilter::default() };
    loop {
        let page = world.mailboxes.deliveries(filter).await.unwrap();
        seen.extend(page.deliveries.iter().map(|facts| facts.received));
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
}
