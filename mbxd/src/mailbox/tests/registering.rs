use super::*;
use crate::jobs::JobState;
use crate::mailbox::staff::{
    BatchError, FileBatch, HolderFilter, MailboxPage, MessageFilter, Numbers, RegisterError,
    ShownNumber, StaffError,
};
use crate::store::{KeyRange, Table};
use mbx_common::audit::{Fact, Outcome, Subject};
use mbx_common::explain;
use mbx_common::holder::{HolderKind, MailboxState};
use std::collections::BTreeSet;

#[tokio::test]
async fn registering_leaves_terms_pseudonym_and_commitment_in_one_entry() {
    let world = World::new().await;
    let before = world.entries();
    let registered = world.mailboxes.register(registration(ANNA), &origin()).await.unwrap();
    assert_eq!(registered.number, "19121212-••••");
    assert_eq!(registered.kind, HolderKind::Person);
    assert_eq!(world.events(before), [Event::MailboxRegistered]);
    let entry = world.last_entry();
    assert!(entry.subjects.contains(&Subject::Mailbox(registered.mailbox)));
    assert!(entry.facts.contains(&Fact::Digest([5; 32])));
    assert!(entry.facts.iter().any(|fact| matches!(fact, Fact::Commitment(_))));
    let person = entry.subjects.iter().find_map(|subject| {
        if let Subject::Person(person) = subject { Some(*person) } else { None }
    });
    let unveiled = world.bench.keys.unveil(person.unwrap()).await.unwrap().unwrap();
    assert_eq!(unveiled.record.as_slice(), ANNA.as_bytes());
    assert!(entry.facts.contains(&Fact::Commitment(unveiled.commitment)));
}

#[tokio::test]
async fn a_number_has_one_mailbox() {
    let (world, _) = World::with_anna().await;
    let refused = world.mailboxes.register(registration(ANNA), &origin()).await.unwrap_err();
    assert!(matches!(refused, RegisterError::AlreadyRegistered));
    assert_eq!(world.last_entry().event, Event::RegistrationRefused);
    assert_eq!(world.last_entry().outcome, Outcome::Refused);
}

#[tokio::test]
async fn two_registrations_of_one_number_at_once_make_one_mailbox() {
    let world = World::new().await;
    let origin = origin();
    let calls = (0..4).map(|_| world.mailboxes.register(registration(ANNA), &origin));
    let outcomes = futures_util::future::join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let page = world.bench.store.scan(Table::Mailbox, KeyRange::all(), 10).await.unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[tokio::test]
async fn each_rule_of_registering_refuses_by_its_own_cause() {
    let world = World::new().await;
    let refused = async |registration: Registration| {
        let before = world.entries();
        let error = world.mailboxes.register(registration, &origin()).await.unwrap_err();
        assert_eq!(world.events(before), [Event::RegistrationRefused]);
        error.code()
    };
    let sound = || registration(ANNA);
    let company = Registration { kind: Some(HolderKind::Company), ..sound() };
    assert_eq!(refused(company).await, explain::HOLDER_KIND);
    let person = Registration { kind: Some(HolderKind::Person), ..registration("162021004748") };
    assert_eq!(refused(person).await, explain::HOLDER_KIND);
    let old = Registration { terms: Some("2025-01".to_owned()), ..sound() };
    assert_eq!(refused(old).await, explain::TERMS_UNKNOWN);
    let weak = Registration { loa: Loa::One, ..sound() };
    assert_eq!(refused(weak).await, explain::LOA_TOO_LOW);
    let accepted = Some(world.bench.clock.now().plus_millis(1));
    assert_eq!(refused(Registration { accepted, ..sound() }).await, explain::ACCEPTED_IN_FUTURE);
    let long = Registration { reference: Some("x".repeat(501)), ..sound() };
    assert_eq!(refused(long).await, explain::USAGE);
}

#[tokio::test]
async fn terms_whose_text_changed_under_their_name_are_refused() {
    let (world, _) = World::with_anna().await;
    let terms = Some(Terms { version: "2026-05".to_owned(), sha256: [6; 32] });
    world.mailboxes.set_options(Options { terms, ..Options::default() });
    let refused = world.mailboxes.register(registration(BO), &origin()).await.unwrap_err();
    assert!(matches!(refused, RegisterError::TermsChanged));
    world.mailboxes.set_options(Options::default());
    let refused = world.mailboxes.register(registration(BO), &origin()).await.unwrap_err();
    assert!(matches!(refused, RegisterError::NoTerms));
}

#[tokio::test]
async fn staff_see_a_masked_number_and_a_whole_one_on_wish() {
    let (world, mailbox) = World::with_anna().await;
    let show = async |numbers| {
        let detail = world.mailboxes.show_holder(mailbox, numbers, &origin()).await.unwrap();
        (detail.holder.number.clone().map(ShownNumber::into_text), detail)
    };
    let (number, detail) = show(Numbers::Masked).await;
    assert_eq!(number.as_deref(), Some("19121212-••••"));
    assert_eq!(detail.figures.epochs, Some([1, 1]));
    assert!(detail.current);
    assert_eq!(detail.acceptance.unwrap().reference.as_deref(), Some("prt_51c0"));
    let (number, detail) = show(Numbers::Whole).await;
    assert_eq!(number.as_deref(), Some(ANNA));
    assert!(!format!("{detail:?}").contains(ANNA));
    assert_eq!(show(Numbers::Hidden).await.0, None);
}

#[tokio::test]
async fn whatever_tells_staff_of_a_holder_is_one_entry_that_names_the_holder() {
    let (world, anna) = World::with_anna().await;
    let bo = world.register(BO).await;
    let (mailboxes, origin) = (&world.mailboxes, origin());
    let seen = world.entries();
    let told = |number: usize| {
        let entry = world.memory.entries()[seen + number].clone();
        let holders: BTreeSet<_> = entry
            .subjects
            .iter()
            .filter_map(|&it| if let Subject::Mailbox(id) = it { Some(id) } else { None })
            .collect();
        let people = entry.subjects.iter().filter(|it| matches!(it, Subject::Person(_))).count();
        assert_eq!(people, holders.len());
        (entry.event, entry.outcome, holders)
    };
    mailboxes.find(&ANNA.parse().unwrap(), &origin).await.unwrap();
    let unknown = mailboxes.find(&"200001012384".parse().unwrap(), &origin).await;
    assert!(matches!(unknown, Err(StaffError::NoMailbox)));
    mailboxes.show_holder(anna, Numbers::Masked, &origin).await.unwrap();
    mailboxes.show_holder(anna, Numbers::Whole, &origin).await.unwrap();
    let all = HolderFilter::default();
    mailboxes.list_holders(all, Numbers::Masked, &origin).await.unwrap();
    mailboxes.list_holders(all, Numbers::Whole, &origin).await.unwrap();
    mailboxes.messages(anna, MessageFilter::default(), &origin).await.unwrap();
    let (one, both) = (BTreeSet::from([anna]), BTreeSet::from([anna, bo]));
    let done = |event, holders: &BTreeSet<_>| (event, Outcome::Done, holders.clone());
    assert_eq!(told(0), done(Event::NumberLookedUp, &one));
    assert_eq!(told(1), (Event::NumberLookedUp, Outcome::Failed, BTreeSet::new()));
    assert_eq!(told(2), done(Event::HolderShown, &one));
    assert_eq!(told(3), done(Event::NumberRevealed, &one));
    assert_eq!(told(4), done(Event::HoldersListed, &both));
    assert_eq!(told(5), done(Event::NumberRevealed, &both));
    assert_eq!(told(6), done(Event::MessagesShown, &one));
    // What names nobody needs no entry, and nothing was shown to nobody.
    mailboxes.list_holders(all, Numbers::Hidden, &origin).await.unwrap();
    mailboxes.list_mailboxes(all, true).await.unwrap();
    mailboxes.show_mailbox(anna).await.unwrap();
    mailboxes.stats().await.unwrap();
    let nobody = HolderFilter { state: Some(MailboxState::Closed), ..all };
    mailboxes.list_holders(nobody, Numbers::Masked, &origin).await.unwrap();
    assert_eq!(world.entries(), seen + 7);
}

#[tokio::test]
async fn a_list_costs_a_row_for_each_mailbox_shown_and_figures_are_counted_on_wish() {
    let world = World::new().await;
    for number in [ANNA, BO] {
        world.register(number).await;
    }
    for number in 0..20 {
        world.mailboxes.accept(letter(number)).await.unwrap();
    }
    let one = HolderFilter { limit: Some(1), ..HolderFilter::default() };
    let rows = world.memory.rows_read();
    let page = world.mailboxes.list_holders(one, Numbers::Masked, &origin()).await.unwrap();
    assert_eq!(world.memory.rows_read() - rows, 2, "its row, and that of the keys to its number");
    assert!(page.next.is_some());
    let rows = world.memory.rows_read();
    let page = world.mailboxes.list_mailboxes(HolderFilter::default(), false).await.unwrap();
    assert_eq!((world.memory.rows_read() - rows, page.next), (2, None));
    let page = world.mailboxes.list_mailboxes(HolderFilter::default(), true).await.unwrap();
    let messages = page.mailboxes.iter().map(|(_, figures)| figures.unwrap().contents.messages);
    assert_eq!(messages.sum::<u64>(), 20);
}

#[tokio::test]
async fn the_whole_installation_is_counted_once_a_minute() {
    let (world, _) = World::with_anna().await;
    assert_eq!(world.mailboxes.stats().await.unwrap().contents.messages, 0);
    world.mailboxes.accept(letter(1)).await.unwrap();
    let rows = world.memory.rows_read();
    assert_eq!(world.mailboxes.stats().await.unwrap().contents.messages, 0);
    assert_eq!(world.memory.rows_read(), rows);
    world.bench.clock.advance(60_000);
    assert_eq!(world.mailboxes.stats().await.unwrap().contents.messages, 1);
}

#[tokio::test]
async fn suspending_twice_and_resuming_what_is_active_are_refused() {
    let (world, mailbox) = World::with_anna().await;
    let refused = world.mailboxes.resume(mailbox, &origin()).await.unwrap_err();
    assert!(matches!(refused, StaffError::State { state: MailboxState::Active }));
    world.mailboxes.suspend(mailbox, &origin()).await.unwrap();
    let refused = world.mailboxes.suspend(mailbox, &origin()).await.unwrap_err();
    assert!(matches!(refused, StaffError::State { state: MailboxState::Suspended }));
    let unknown = MailboxId::from_bytes([9; 16]);
    let refused = world.mailboxes.suspend(unknown, &origin()).await.unwrap_err();
    assert!(matches!(refused, StaffError::NoMailbox));
}

#[tokio::test]
async fn holders_are_listed_by_state_in_pages() {
    let (world, anna) = World::with_anna().await;
    let bo = world.register(BO).await;
    world.mailboxes.suspend(bo, &origin()).await.unwrap();
    let active = HolderFilter { state: Some(MailboxState::Active), ..HolderFilter::default() };
    let list = |filter| world.mailboxes.list_mailboxes(filter, false);
    let page = list(active).await.unwrap();
    let ids = |page: &MailboxPage| -> Vec<_> {
        page.mailboxes.iter().map(|(holder, _)| holder.mailbox).collect()
    };
    assert_eq!(ids(&page), [anna]);
    let mut seen = Vec::new();
    let mut filter = HolderFilter { limit: Some(1), ..HolderFilter::default() };
    while let Ok(page) = list(filter).await {
        seen.extend(ids(&page));
        filter.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    let mut both = [anna, bo];
    both.sort_unstable();
    assert_eq!(seen, both);
}

fn batch(first_row: u64, rows: &[&str]) -> FileBatch {
    let row = |number: &&str| match number.parse::<NationalNumber>() {
        Ok(_) => Ok(registration(number)),
        Err(_) => Err(explain::NUMBER_INVALID),
    };
    FileBatch {
        file_sha256: [7; 32],
        rows_total: 4,
        first_row,
        rows: rows.iter().map(row).collect(),
    }
}

#[tokio::test]
async fn a_file_is_registered_in_batches_and_never_twice() {
    let (world, _) = World::with_anna().await;
    let asked = world.mailboxes.register_batch(batch(0, &[]), &origin()).await.unwrap();
    assert_eq!((asked.next_row, asked.finished), (0, false));
    let first = batch(0, &[BO, "191212121213"]);
    let done = world.mailboxes.register_batch(first, &origin()).await.unwrap();
    assert_eq!((done.job, done.next_row, done.registered), (asked.job, 2, 1));
    assert_eq!(done.refused[0].row, 1);
    assert_eq!(done.refused[0].code, explain::NUMBER_INVALID);
    // The answer was lost: the same batch again does nothing.
    let again = world.mailboxes.register_batch(batch(0, &[BO]), &origin()).await.unwrap();
    assert_eq!((again.next_row, again.registered), (2, 1));
    // A hole is not skipped.
    let hole = world.mailboxes.register_batch(batch(3, &[BO]), &origin()).await.unwrap();
    assert_eq!(hole.next_row, 2);
    let last = batch(2, &[ANNA, "200001012384"]);
    let done = world.mailboxes.register_batch(last, &origin()).await.unwrap();
    assert!(done.finished);
    assert_eq!((done.next_row, done.registered), (4, 2));
    assert_eq!(done.refused[0].code, explain::ALREADY_REGISTERED);
    let jobs = Jobs::new(world.bench.store.clone(), world.bench.clock.clone());
    let job = jobs.get(done.job).await.unwrap();
    assert_eq!((job.state, job.counts.refused), (JobState::Done, 2));
    assert!(!job.cursor.windows(12).any(|window| window == ANNA.as_bytes()));
}

#[tokio::test]
async fn a_file_with_another_number_of_rows_is_not_the_same() {
    let world = World::new().await;
    world.mailboxes.register_batch(batch(0, &[]), &origin()).await.unwrap();
    let other = FileBatch { rows_total: 5, ..batch(0, &[BO]) };
    let refused = world.mailboxes.register_batch(other, &origin()).await.unwrap_err();
    assert!(matches!(refused, BatchError::FileChanged));
    let long = FileBatch { rows_total: 1, ..batch(0, &[BO, ANNA]) };
    let refused = world.mailboxes.register_batch(long, &origin()).await.unwrap_err();
    assert!(matches!(refused, BatchError::TooManyRows));
}

#[tokio::test]
async fn a_company_is_registered_but_cannot_be_used_yet() {
    let world = World::new().await;
    let company = registration("162021004748");
    let registered = world.mailboxes.register(company, &origin()).await.unwrap();
    assert_eq!(registered.kind, HolderKind::Company);
    let refused = async |caller: Caller| {
        let visit = world.mailboxes.enter(caller).await.unwrap();
        let refused = world.mailboxes.view(&visit).await.unwrap_err();
        assert_eq!(world.last_entry().event, Event::HolderRefused);
        refused.code()
    };
    let own = world.caller("162021004748", Loa::Three);
    assert_eq!(refused(own).await, explain::COMPANY_NOT_SUPPORTED);
    // A stranger is not even told that it is a company's.
    let strangers =
        Caller { on_behalf_of: Some(registered.mailbox), ..world.caller(ANNA, Loa::Three) };
    assert_eq!(refused(strangers).await, explain::NOT_ENTITLED);
}
