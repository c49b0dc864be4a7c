use super::*;
use crate::access::{Action, Denied};
use crate::hsm::{CustodyError, KeyPurpose};
use crate::mailbox::incoming::{IncomingMessage, Part, PartSource, Support};
use crate::mailbox::reading::{HolderError, ListRequest, Listed, MessageView};
use crate::store::{CommitError, KeyRange, Table};
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Fact, Outcome, Subject};
use mbx_common::error::Kind;
use mbx_common::explain;
use mbx_common::id::MessageId;
use std::time::Duration;

/// With Anna registered and one message of this kind in her mailbox.
async fn with_message(incoming: Incoming) -> (World, MessageId) {
    let (world, _) = World::with_anna().await;
    world.mailboxes.accept(incoming).await.unwrap();
    let message = only_message(&world).await;
    (world, message)
}

async fn only_message(world: &World) -> MessageId {
    let page = world.bench.store.scan(Table::MessagePlace, KeyRange::all(), 10).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    MessageId::from_slice(&page.rows[0].0).unwrap()
}

async fn listed(world: &World, loa: Loa) -> Vec<Listed> {
    let visit = world.visit(ANNA, loa).await;
    world.mailboxes.list(&visit, ListRequest::default()).await.unwrap().messages
}

fn within(listed: &Listed) -> &MessageView {
    match listed {
        Listed::Within(view) => view,
        Listed::OutOfReach { .. } | Listed::Damaged { .. } => panic!("not shown"),
    }
}

fn high_opened(world: &World) -> u64 {
    world.bench.custody.opened(KeyPurpose::KekHigh)
}

#[tokio::test]
async fn the_holder_reads_what_was_sent_octet_by_octet() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    let before = world.entries();
    let opened = world.mailboxes.open(&visit, message).await.unwrap();
    assert_eq!(world.events(before), [Event::MessageOpened]);
    let entry = world.last_entry();
    assert!(entry.subjects.contains(&Subject::Message(message)));
    assert!(entry.facts.contains(&Fact::Loa(3)));
    assert!(matches!(entry.actor, Actor::Person(_)));
    let view = &opened.view;
    assert_eq!(view.subject, fixture::SUBJECT);
    assert_eq!(view.sender_name, "Example Authority");
    assert_eq!((view.parts.len(), view.class), (2, ProtectionClass::Three));
    assert_eq!(view.parts[1].file_name.as_deref(), Some("decision.pdf"));
    let body = world.mailboxes.read_part(&opened, 0, 0..u64::MAX).await.unwrap();
    assert_eq!(octets(body).await, fixture::BODY);
    let attachment = world.mailboxes.read_part(&opened, 1, 0..u64::MAX).await.unwrap();
    assert_eq!(octets(attachment).await, fixture::ATTACHMENT);
    let none = world.mailboxes.read_part(&opened, 2, 0..1).await.unwrap_err();
    assert!(matches!(none, HolderError::NoMessage));
}

#[tokio::test]
async fn a_range_of_a_part_is_exactly_that_range() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    let opened = world.mailboxes.open(&visit, message).await.unwrap();
    for (number, whole) in [(0, fixture::BODY), (1, fixture::ATTACHMENT)] {
        for start in 0..whole.len() {
            for end in [start, start + 1, whole.len(), whole.len() + 9] {
                let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
                let part = world.mailboxes.read_part(&opened, number, range).await.unwrap();
                assert_eq!(octets(part).await, &whole[start..end.min(whole.len())]);
            }
        }
    }
}

/// A body of a megabyte in lines as many senders write them: pieces, chunks and lines never agree.
#[tokio::test]
async fn a_long_folded_body_is_read_whole_and_from_its_middle() {
    let octets_sent: Vec<u8> = (0..1_000_003_u32).map(|n| n.to_le_bytes()[0] ^ 0x5a).collect();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &octets_sent);
    for line in [76, 77, 0] {
        let lines: Vec<&[u8]> = match line {
            0 => vec![text.as_bytes()],
            line => text.as_bytes().chunks(line).collect(),
        };
        let folded = lines.join(b"\r\n".as_slice());
        let payload = [b"<a>", folded.as_slice(), b"</a>"].concat();
        let end = u64::try_from(payload.len()).unwrap() - 4;
        let mut incoming = letter(1);
        incoming.payload = Bytes::from(payload);
        incoming.messages[0].body.len = 1_000_003;
        incoming.messages[0].body.source = PartSource::Base64At(3..end);
        let (world, message) = with_message(incoming).await;
        let visit = world.visit(ANNA, Loa::Three).await;
        let opened = world.mailboxes.open(&visit, message).await.unwrap();
        let whole = world.mailboxes.read_part(&opened, 0, 0..u64::MAX).await.unwrap();
        assert!(octets(whole).await == octets_sent);
        for start in [1_u64, 65_535, 196_608, 500_000, 1_000_002] {
            let part = world.mailboxes.read_part(&opened, 0, start..start + 70_001).await.unwrap();
            let from = usize::try_from(start).unwrap();
            let to = (from + 70_001).min(octets_sent.len());
            assert!(octets(part).await == octets_sent[from..to]);
        }
    }
}

#[tokio::test]
async fn every_message_of_a_delivery_is_a_message_of_its_own() {
    let mut incoming = letter(1);
    incoming.messages.push(IncomingMessage {
        sender_id: "second".to_owned(),
        subject: "Second subject".to_owned(),
        language: "sv".to_owned(),
        support: Support::default(),
        body: Part {
            media_type: "text/html".to_owned(),
            file_name: None,
            len: 0,
            source: PartSource::Decoded(Bytes::new()),
        },
        attachments: Vec::new(),
    });
    let (world, _) = World::with_anna().await;
    world.mailboxes.accept(incoming).await.unwrap();
    let listed = listed(&world, Loa::Three).await;
    let subjects: Vec<_> = listed.iter().map(|listed| within(listed).subject.clone()).collect();
    assert_eq!(subjects, ["Second subject", fixture::SUBJECT]);
    let visit = world.visit(ANNA, Loa::Three).await;
    let opened = world.mailboxes.open(&visit, within(&listed[0]).id).await.unwrap();
    let body = world.mailboxes.read_part(&opened, 0, 0..u64::MAX).await.unwrap();
    assert_eq!(octets(body).await, b"");
}

#[tokio::test]
async fn level_two_sees_that_class_three_waits_and_opens_no_high_key() {
    let (world, message) = with_message(letter(1)).await;
    let listed = listed(&world, Loa::Two).await;
    assert!(matches!(
        listed[..],
        [Listed::OutOfReach {
            class: ProtectionClass::Three,
            because: Denied::LevelTooLow { needed: Loa::Three },
            ..
        }]
    ));
    let visit = world.visit(ANNA, Loa::Two).await;
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert!(matches!(refused, HolderError::Denied(Denied::LevelTooLow { needed: Loa::Three })));
    assert_eq!(world.last_entry().event, Event::HolderRefused);
    assert_eq!(world.last_entry().reason.as_deref(), Some("MBX-4103"));
    let visit = world.visit(ANNA, Loa::Two).await;
    assert!(world.mailboxes.delete(&visit, message, None).await.is_err());
    assert_eq!(high_opened(&world), 0);
}

#[tokio::test]
async fn level_two_reads_class_one_and_level_three_opens_both_tiers() {
    let (world, _) = World::with_anna().await;
    world.mailboxes.accept(notify(&[ANNA])).await.unwrap();
    let before = (world.bench.custody.opened(KeyPurpose::KekBasic), high_opened(&world));
    assert_eq!(within(&listed(&world, Loa::Two).await[0]).subject, fixture::SUBJECT);
    let after = (world.bench.custody.opened(KeyPurpose::KekBasic), high_opened(&world));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 0));
    world.mailboxes.accept(letter(1)).await.unwrap();
    let both = listed(&world, Loa::Three).await;
    assert_eq!(both.iter().map(within).count(), 2);
    assert_eq!(high_opened(&world), 1);
}

#[tokio::test]
async fn an_old_identification_reads_class_one_only() {
    let (world, message) = with_message(letter(1)).await;
    let mut caller = world.caller(ANNA, Loa::Three);
    caller.authenticated = world.bench.clock.now().minus_millis(16 * 60_000);
    let visit = world.mailboxes.enter(caller).await.unwrap();
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert!(matches!(refused, HolderError::Denied(Denied::AuthenticationTooOld)));
    assert_eq!(high_opened(&world), 0);
}

#[tokio::test]
async fn an_assertion_is_good_for_one_act() {
    let (world, message) = with_message(letter(1)).await;
    let caller = world.caller(ANNA, Loa::Three);
    let visit = world.mailboxes.enter(caller.clone()).await.unwrap();
    world.mailboxes.list(&visit, ListRequest::default()).await.unwrap();
    for _ in 0..2 {
        let visit = world.mailboxes.enter(caller.clone()).await.unwrap();
        let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
        assert!(matches!(refused, HolderError::Replayed));
        assert_eq!(world.last_entry().event, Event::HolderRefused);
        assert_eq!(world.last_entry().reason.as_deref(), Some("MBX-4123"));
    }
}

#[tokio::test]
async fn the_same_assertion_reads_on_in_the_message_that_it_opened_and_no_other() {
    let (world, message) = with_message(letter(1)).await;
    let caller = world.caller(ANNA, Loa::Three);
    let visit = world.mailboxes.enter(caller.clone()).await.unwrap();
    world.mailboxes.open(&visit, message).await.unwrap();
    let before = world.entries();
    let again = world.mailboxes.enter(caller.clone()).await.unwrap();
    let opened = world.mailboxes.open(&again, message).await.unwrap();
    assert_eq!(opened.view.subject, fixture::SUBJECT);
    assert_eq!(world.entries(), before);
    let again = world.mailboxes.enter(caller.clone()).await.unwrap();
    let refused = world.mailboxes.delete(&again, message, None).await.unwrap_err();
    assert!(matches!(refused, HolderError::Replayed));
    world.mailboxes.accept(letter(2)).await.unwrap();
    let visit = world.visit(ANNA, Loa::Three).await;
    let listing = world.mailboxes.list(&visit, ListRequest::default()).await.unwrap();
    let other = within(&listing.messages[0]).id;
    assert_ne!(other, message);
    let again = world.mailboxes.enter(caller).await.unwrap();
    let refused = world.mailboxes.open(&again, other).await.unwrap_err();
    assert!(matches!(refused, HolderError::Replayed));
}

#[tokio::test]
async fn two_acts_at_once_with_one_assertion_are_one_act() {
    let (world, message) = with_message(letter(1)).await;
    let caller = world.caller(ANNA, Loa::Three);
    let first = world.mailboxes.enter(caller.clone()).await.unwrap();
    let second = world.mailboxes.enter(caller).await.unwrap();
    world.mailboxes.mark_read(&first, message, None).await.unwrap();
    let refused = world.mailboxes.delete(&second, message, None).await.unwrap_err();
    assert!(matches!(refused, HolderError::Replayed));
}

#[tokio::test]
async fn another_persons_message_looks_like_none() {
    let (world, message) = with_message(letter(1)).await;
    world.register(BO).await;
    let visit = world.visit(BO, Loa::Four).await;
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert!(matches!(refused, HolderError::NoMessage));
    assert_eq!(world.last_entry().event, Event::HolderRefused);
    let nobody = MessageId::from_bytes([9; 16]);
    let visit = world.visit(BO, Loa::Four).await;
    let refused_too = world.mailboxes.open(&visit, nobody).await.unwrap_err();
    assert_eq!(refused.to_string(), refused_too.to_string());
}

#[tokio::test]
async fn acting_for_another_mailbox_is_refused_and_recorded() {
    let (world, anna) = World::with_anna().await;
    world.register(BO).await;
    let caller = Caller { on_behalf_of: Some(anna), ..world.caller(BO, Loa::Four) };
    let visit = world.mailboxes.enter(caller).await.unwrap();
    let refused = world.mailboxes.list(&visit, ListRequest::default()).await.unwrap_err();
    assert!(matches!(refused, HolderError::Denied(Denied::NotEntitled)));
    assert_eq!(world.last_entry().outcome, Outcome::Refused);
    let stranger = world.visit("200001012384", Loa::Four).await;
    let refused = world.mailboxes.view(&stranger).await.unwrap_err();
    assert_eq!(refused.code(), explain::NOT_ENTITLED);
    assert_eq!(world.last_entry().actor, Actor::Portal("my-pages".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_read() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    world.memory.refuse(Some(CommitError::Unavailable));
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert!(matches!(refused, HolderError::Commit(CommitError::Unavailable)));
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.retry_after().is_some());
}

#[tokio::test]
async fn with_the_hsm_away_an_opened_session_reads_on_and_a_new_one_is_told_when_to_come_back() {
    let (world, message) = with_message(letter(1)).await;
    let caller = world.caller(ANNA, Loa::Three);
    let visit = world.mailboxes.enter(caller.clone()).await.unwrap();
    world.mailboxes.list(&visit, ListRequest::default()).await.unwrap();
    let away = CustodyError::Unavailable { retry_after: Duration::from_secs(7) };
    world.bench.custody.refuse(Some(away));
    let ticket = world.caller(ANNA, Loa::Three).ticket;
    let visit = world.mailboxes.enter(Caller { ticket, ..caller.clone() }).await.unwrap();
    world.mailboxes.open(&visit, message).await.unwrap();
    let mut new = world.caller(ANNA, Loa::Three);
    new.authenticated = caller.authenticated.plus_millis(1);
    let visit = world.mailboxes.enter(new).await.unwrap();
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn ending_the_session_wipes_its_keys() {
    let (world, message) = with_message(letter(1)).await;
    let caller = world.caller(ANNA, Loa::Three);
    let visit = world.mailboxes.enter(caller.clone()).await.unwrap();
    world.mailboxes.open(&visit, message).await.unwrap();
    let ticket = world.caller(ANNA, Loa::Three).ticket;
    let visit = world.mailboxes.enter(Caller { ticket, ..caller.clone() }).await.unwrap();
    world.mailboxes.end_session(&visit).await.unwrap();
    assert_eq!(world.last_entry().event, Event::HolderSessionEnded);
    let opened = high_opened(&world);
    let ticket = world.caller(ANNA, Loa::Three).ticket;
    let visit = world.mailboxes.enter(Caller { ticket, ..caller }).await.unwrap();
    world.mailboxes.open(&visit, message).await.unwrap();
    assert_eq!(high_opened(&world), opened + 1);
}

#[tokio::test]
async fn marking_read_is_idempotent_and_conditional() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    let first = world.mailboxes.mark_read(&visit, message, None).await.unwrap();
    world.bench.clock.advance(1000);
    let visit = world.visit(ANNA, Loa::Three).await;
    let again = world.mailboxes.mark_read(&visit, message, None).await.unwrap();
    assert_eq!(first.etag, again.etag);
    let visit = world.visit(ANNA, Loa::Three).await;
    let stale = "00".repeat(16);
    let refused = world.mailboxes.delete(&visit, message, Some(&stale)).await.unwrap_err();
    assert!(matches!(refused, HolderError::Changed));
    let visit = world.visit(ANNA, Loa::Three).await;
    let tag = again.etag.to_string();
    world.mailboxes.delete(&visit, message, Some(&tag)).await.unwrap();
}

#[tokio::test]
async fn a_deleted_message_is_gone_at_once_and_can_be_restored_within_its_window() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    let deleted = world.mailboxes.delete(&visit, message, None).await.unwrap();
    let window = world.mailboxes.options().restore_window_ms;
    let until = world.bench.clock.now().plus_millis(window);
    assert_eq!(deleted.restorable_until, Some(until));
    assert!(listed(&world, Loa::Three).await.is_empty());
    let visit = world.visit(ANNA, Loa::Three).await;
    let refused = world.mailboxes.open(&visit, message).await.unwrap_err();
    assert!(matches!(refused, HolderError::NoMessage));
    let visit = world.visit(ANNA, Loa::Three).await;
    let request = ListRequest { deleted: true, ..ListRequest::default() };
    assert_eq!(world.mailboxes.list(&visit, request).await.unwrap().messages.len(), 1);
    world.bench.clock.advance(window - 1);
    world.mailboxes.sweep().await.unwrap();
    let visit = world.visit(ANNA, Loa::Three).await;
    world.mailboxes.restore(&visit, message, None).await.unwrap();
    world.bench.clock.advance(2);
    assert_eq!(world.mailboxes.sweep().await.unwrap().messages, 0);
    assert_eq!(listed(&world, Loa::Three).await.len(), 1);
}

#[tokio::test]
async fn after_its_window_a_deleted_message_cannot_be_restored_and_its_key_is_erased() {
    let (world, message) = with_message(letter(1)).await;
    let visit = world.visit(ANNA, Loa::Three).await;
    world.mailboxes.delete(&visit, message, None).await.unwrap();
    world.bench.clock.advance(world.mailboxes.options().restore_window_ms);
    let visit = world.visit(ANNA, Loa::Three).await;
    let refused = world.mailboxes.restore(&visit, message, None).await.unwrap_err();
    assert!(matches!(refused, HolderError::RestoreOver));
    let swept = world.mailboxes.sweep().await.unwrap();
    assert_eq!(swept.messages, 1);
    assert_eq!(world.last_entry().event, Event::MessagesErased);
    assert_eq!(world.last_entry().subjects, [Subject::Message(message)]);
    let rows = world.bench.store.scan(Table::Message, KeyRange::all(), 10).await.unwrap().rows;
    assert!(rows.is_empty());
    let visit = world.visit(ANNA, Loa::Three).await;
    let refused = world.mailboxes.restore(&visit, message, None).await.unwrap_err();
    assert!(matches!(refused, HolderError::NoMessage));
}

#[tokio::test]
async fn a_sweep_drops_used_assertions_and_marks_and_nothing_that_still_counts() {
    let (world, _) = with_message(notify(&[ANNA])).await;
    listed(&world, Loa::Two).await;
    let count =
        async |table| world.bench.store.scan(table, KeyRange::all(), 100).await.unwrap().rows.len();
    assert_eq!((count(Table::Jti).await, count(Table::Dedup).await), (1, 1));
    world.mailboxes.sweep().await.unwrap();
    assert_eq!((count(Table::Jti).await, count(Table::Dedup).await), (1, 1));
    world.bench.clock.advance(60_000);
    world.mailboxes.sweep().await.unwrap();
    assert_eq!((count(Table::Jti).await, count(Table::Dedup).await), (0, 1));
    world.bench.clock.advance(world.mailboxes.options().notify_repeat_window_ms);
    world.mailboxes.sweep().await.unwrap();
    assert_eq!((count(Table::Dedup).await, count(Table::Retention).await), (0, 0));
}

#[tokio::test]
async fn messages_are_listed_in_pages_newest_first() {
    let (world, _) = World::with_anna().await;
    for n in 0..5 {
        world.mailboxes.accept(letter(n)).await.unwrap();
        world.bench.clock.advance(1);
    }
    let mut ids = Vec::new();
    let mut request = ListRequest { limit: Some(2), ..ListRequest::default() };
    loop {
        let visit = world.visit(ANNA, Loa::Three).await;
        let page = world.mailboxes.list(&visit, request).await.unwrap();
        ids.extend(page.messages.iter().map(|listed| within(listed).id));
        request.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((count, ids.len()), (5, 5));
}

#[tokio::test]
async fn the_view_of_a_mailbox_tells_what_the_level_allows() {
    let (world, anna) = World::with_anna().await;
    let visit = world.visit(ANNA, Loa::Two).await;
    let view = world.mailboxes.view(&visit).await.unwrap();
    assert_eq!(view.id, anna);
    assert!(view.allowed.contains(&Action::ReadBasic));
    assert!(!view.allowed.contains(&Action::ReadHigh));
    assert_eq!(world.last_entry().event, Event::MailboxViewed);
}

#[tokio::test]
async fn a_suspended_mailbox_is_read_but_not_changed() {
    let (world, message) = with_message(letter(1)).await;
    let anna = world.mailboxes.find(&ANNA.parse().unwrap(), &origin()).await.unwrap();
    world.mailboxes.suspend(anna, &origin()).await.unwrap();
    let visit = world.visit(ANNA, Loa::Three).await;
    world.mailboxes.open(&visit, message).await.unwrap();
    let visit = world.visit(ANNA, Loa::Three).await;
    let refused = world.mailboxes.delete(&visit, message, None).await.unwrap_err();
    assert!(matches!(refused, HolderError::Denied(Denied::Suspended)));
}
