//! What must hold of every disk that a script left behind.

use super::ledger::{Book, Holder, Ledger};
use super::machine::{Machine, Service};
use super::script::{HOLDERS, Script, body, number_of};
use crate::audit::Integrity;
use crate::mailbox::reading::{HolderError, ListRequest, Listed, MessageView};
use crate::mailbox::staff::{DeliveryFilter, Progress, Scope};
use mbx_common::audit::Entry;
use mbx_common::id::{ContentId, RequestId};
use std::collections::{BTreeMap, BTreeSet};

/// A letter that no script delivers.
const AFTERWARDS: u8 = 250;

/// Starts the service on a healthy disk and checks everything.
pub(super) async fn check(machine: &Machine, ledger: &Ledger, case: &str) {
    let service = machine.start().await.unwrap_or_else(|error| panic!("{case}: {error}"));
    let checker = Checker { service: &service, ledger, case };
    checker.audit().await;
    checker.store().await;
    if service.operators.is_initialised().await.unwrap() {
        checker.mailboxes().await;
        checker.goes_on().await;
    } else {
        assert!(!ledger.initialised, "{case}: the set-up is lost");
        assert_eq!(ledger.acknowledged(), 0, "{case}");
    }
    service.engine.close();
}

struct Checker<'a> {
    service: &'a Service,
    ledger: &'a Ledger,
    case: &'a str,
}

impl Checker<'_> {
    /// Every acknowledged act has one entry, none was doubled, nothing untold was done.
    async fn audit(&self) {
        let leaves = self.service.store.leaves(0, usize::MAX).await.unwrap();
        let mut entries: BTreeMap<RequestId, Vec<Entry>> = BTreeMap::new();
        for leaf in &leaves {
            let entry = Entry::decode(leaf).unwrap();
            if let Some(request) = entry.request {
                entries.entry(request).or_default().push(entry);
            }
        }
        for act in &self.ledger.acts {
            let of_act = entries.remove(&act.request).unwrap_or_default();
            let case = self.case;
            assert!(of_act.len() <= 1, "{case}: {act:?} is told twice: {of_act:?}");
            assert!(!act.acknowledged || of_act.len() == 1, "{case}: {act:?} has no entry");
            let right = of_act.iter().all(|entry| act.events.contains(&entry.event));
            assert!(right, "{case}: {act:?} is told as {of_act:?}");
        }
        assert!(entries.is_empty(), "{}: nobody asked for {entries:?}", self.case);
        let integrity = self.service.audit.check_all().await.unwrap();
        assert!(matches!(integrity, Integrity::Sound { .. }), "{}: {integrity:?}", self.case);
    }

    /// Every segment is whole, and every content belongs to a delivery.
    async fn store(&self) {
        let mut segment = None;
        loop {
            let checked = self.service.store.check(segment).await.unwrap();
            assert_eq!((checked.damaged_at, checked.misplaced), (None, 0), "{}", self.case);
            segment = checked.next;
            if segment.is_none() {
                break;
            }
        }
        let mut named: BTreeSet<ContentId> = BTreeSet::new();
        let mut filter = DeliveryFilter::default();
        loop {
            let page = self.service.mailboxes.deliveries(filter).await.unwrap();
            for facts in page.deliveries {
                let trace = self.service.mailboxes.trace(facts.delivery).await.unwrap();
                named.extend(trace.contents);
            }
            filter.before = page.next;
            if filter.before.is_none() {
                break;
            }
        }
        let stored = self.service.store.contents(None, 10_000).await.unwrap();
        let stored: BTreeSet<ContentId> = stored.into_iter().map(|(id, _)| id).collect();
        assert_eq!(stored, named, "{}: contents without a delivery, or gone", self.case);
    }

    /// Every acknowledged letter is in its holder's mailbox once, whole, as it was left; nothing
    /// else is in any.
    async fn mailboxes(&self) {
        let mut seen = BTreeSet::new();
        for (holder, number) in HOLDERS.iter().enumerate() {
            let found = self.service.keys.find(&number.parse().unwrap()).await;
            let found = found.unwrap_or_else(|error| panic!("{}: {error:?}", self.case));
            if found.is_none() {
                assert!(!self.ledger.registered[holder], "{}: {holder} is lost", self.case);
                continue;
            }
            for deleted in [false, true] {
                for view in self.list(holder, deleted).await {
                    let letter = (number_of(&view), holder);
                    assert!(seen.insert(letter), "{}: {letter:?} twice", self.case);
                    self.letter(letter, &view, deleted).await;
                }
            }
        }
        for (letter, facts) in &self.ledger.letters {
            let is_there = seen.contains(letter);
            assert!(is_there || !facts.acknowledged, "{}: {letter:?} is lost", self.case);
        }
        let verified = self.service.mailboxes.look(Scope::ALL, &Progress::silent()).await.unwrap();
        assert_eq!(verified.faults, 0, "{}: {:?}", self.case, verified.findings);
    }

    async fn letter(&self, letter: (u8, Holder), view: &MessageView, deleted: bool) {
        let case = self.case;
        let Some(facts) = self.ledger.letters.get(&letter) else {
            panic!("{case}: {letter:?} was sent to somebody else");
        };
        assert!(facts.deleted.contains(&deleted), "{case}: {letter:?} deleted: {deleted}");
        let read = view.read.is_some();
        assert!(facts.read.contains(&read), "{case}: {letter:?} read: {read}");
        let (number, holder) = letter;
        let book = Book::default();
        let script = Script { service: self.service, book: &book };
        if !deleted {
            let octets = script.open(holder, view.id).await;
            assert_eq!(octets, Some(body(number)), "{case}: {letter:?}");
        }
        let request = RequestId::from_bytes([8; 16]);
        let Ok(other) = self.service.visit(HOLDERS[1 - holder], request).await else { return };
        let refused = self.service.mailboxes.open(&other, view.id).await;
        let kept = matches!(refused, Err(HolderError::NoMessage | HolderError::Denied(_)));
        assert!(kept, "{case}: {letter:?} is given to somebody else");
    }

    async fn list(&self, holder: Holder, deleted: bool) -> Vec<MessageView> {
        let mut request = ListRequest { deleted, ..ListRequest::default() };
        let mut views = Vec::new();
        loop {
            let id = RequestId::from_bytes([9; 16]);
            let visit = self.service.visit(HOLDERS[holder], id).await.unwrap();
            let listing = self.service.mailboxes.list(&visit, request).await;
            let listing = listing.unwrap_or_else(|error| panic!("{}: {error:?}", self.case));
            views.extend(listing.messages.into_iter().map(|listed| match listed {
                Listed::Within(view) => *view,
                Listed::OutOfReach { .. } => panic!("level 3 reaches everything"),
                Listed::Damaged { .. } => panic!("nothing was altered"),
            }));
            request.before = listing.next;
            if request.before.is_none() {
                return views;
            }
        }
    }

    /// Work goes on as if nothing had been.
    async fn goes_on(&self) {
        let book = Book::default();
        let script = Script { service: self.service, book: &book };
        script.set_up().await;
        assert!(script.deliver(AFTERWARDS).await, "{}: nothing is taken any more", self.case);
        let listed = script.list(0).await;
        let new = listed.iter().find(|(number, _)| *number == AFTERWARDS);
        let (_, message) = new.unwrap_or_else(|| panic!("{}: not delivered", self.case));
        let octets = script.open(0, *message).await;
        assert_eq!(octets, Some(body(AFTERWARDS)), "{}", self.case);
    }
}
