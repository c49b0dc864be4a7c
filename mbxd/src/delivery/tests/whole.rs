//! The whole way: from an authority over TLS into a mailbox, and back out to its holder.

use super::world::{RECIPIENT, World, authority, delivery, dispatcher};
use crate::jobs::Jobs;
use crate::keys::testing::Bench;
use crate::mailbox::reading::{Caller, ListRequest, Listed, Ticket, Visit};
use crate::mailbox::staff::{DeliveryFilter, Registration};
use crate::mailbox::{Mailboxes, Options, Surroundings, Terms};
use crate::store::Store;
use crate::store::memory::Memory;
use mbx_common::assurance::Loa;
use mbx_common::audit::{Actor, Event, Origin, Outcome};
use mbx_common::id::RequestId;
use mbx_sim::soap::Reply;
use std::sync::Arc;

struct Installation {
    bench: Bench,
    memory: Arc<Memory>,
    mailboxes: Mailboxes,
}

/// An installation in which the recipient has a mailbox.
async fn installation() -> Installation {
    let memory = Arc::new(Memory::new());
    let bench = Bench::over(Store::new(Arc::<Memory>::clone(&memory))).await;
    bench.initialise().await;
    bench.keys.open().await.unwrap();
    let surroundings = Surroundings {
        store: bench.store.clone(),
        keys: bench.keys.clone(),
        jobs: Jobs::new(bench.store.clone(), bench.clock.clone()),
        clock: bench.clock.clone(),
    };
    let terms = Some(Terms { version: "2026-05".to_owned(), sha256: [5; 32] });
    let mailboxes = Mailboxes::new(surroundings, Options { terms, ..Options::default() });
    let registration = Registration {
        number: RECIPIENT.parse().unwrap(),
        kind: None,
        terms: None,
        accepted: None,
        loa: Loa::Three,
        reference: None,
    };
    mailboxes.register(registration, &Origin::of(Actor::Local(0))).await.unwrap();
    Installation { bench, memory, mailboxes }
}

impl Installation {
    /// A request of the portal for the holder; each can be used once.
    async fn visit(&self) -> Visit {
        let now = self.bench.clock.now();
        let caller = Caller {
            portal: "my-pages".to_owned(),
            peer: None,
            request: RequestId::from_bytes(crate::random::bytes()),
            number: RECIPIENT.parse().unwrap(),
            loa: Loa::Three,
            authenticated: now.minus_millis(1000),
            on_behalf_of: None,
            ticket: Ticket { id: crate::random::bytes(), until: now.plus_millis(60_000) },
        };
        self.mailboxes.enter(caller).await.unwrap()
    }

    /// Every body and attachment in the mailbox, as its holder reads them.
    async fn read_by_the_holder(&self) -> Vec<Vec<u8>> {
        let request = ListRequest::default();
        let listed = self.mailboxes.list(&self.visit().await, request).await.unwrap();
        let mut read = Vec::new();
        for message in listed.messages {
            let Listed::Within(view) = message else { panic!("out of reach at level 3") };
            let opened = self.mailboxes.open(&self.visit().await, view.id).await.unwrap();
            for number in 0..opened.view.parts.len() {
                let mut part =
                    self.mailboxes.read_part(&opened, number, 0..u64::MAX).await.unwrap();
                let mut octets = Vec::new();
                while let Some(piece) = part.next().await.unwrap() {
                    octets.extend_from_slice(&piece);
                }
                read.push(octets);
            }
        }
        read
    }
}

#[tokio::test]
async fn the_holder_reads_octet_by_octet_what_the_authority_sent_and_a_repeat_adds_nothing() {
    let installation = installation().await;
    let world = World::before(Arc::new(installation.mailboxes.clone())).await;
    let pdf: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[1] ^ n.to_le_bytes()[0]).collect();
    let mut sent = delivery("Hej på dig");
    sent.messages[0] = sent.messages[0].clone().with_pdf("beslut.pdf", pdf.clone());
    let document = world.sealed(&sent);
    let first = Reply::parse(&world.post(document.clone()).await.body).unwrap();
    let again = Reply::parse(&world.post(document).await.body).unwrap();
    let Reply::Result { statuses, .. } = &first else { panic!("{first:?}") };
    assert_eq!(statuses, &[(RECIPIENT.to_owned(), true)]);
    assert_eq!(first, again);
    assert_eq!(installation.read_by_the_holder().await, ["Hej på dig".as_bytes(), &pdf]);
}

#[tokio::test]
async fn who_has_no_mailbox_gets_nothing_and_the_sender_a_plain_no() {
    let installation = installation().await;
    let world = World::before(Arc::new(installation.mailboxes.clone())).await;
    let stranger = mbx_sim::identity::person(7);
    let sent = mbx_sim::delivery::Delivery { recipient: stranger.clone(), ..delivery("hej") };
    let reply = Reply::parse(&world.post(world.sealed(&sent)).await.body).unwrap();
    let Reply::Result { statuses, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(statuses, [(stranger, false)]);
    assert!(installation.read_by_the_holder().await.is_empty());
}

#[tokio::test]
async fn a_refused_delivery_leaves_its_audit_entry_and_its_row_and_no_message() {
    let installation = installation().await;
    let world = World::before(Arc::new(installation.mailboxes.clone())).await;
    let altered = world.sealed(&delivery("hej")).replace("Beslut", "Beslot");
    let reply = Reply::parse(&world.post(altered).await.body).unwrap();
    let Reply::Fault { error_code, call_id, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(error_code, 5006);
    let entry = installation.memory.entries().pop().unwrap();
    assert_eq!((entry.event, entry.outcome), (Event::DeliveryRefused, Outcome::Refused));
    assert_eq!(entry.actor, Actor::Authority(dispatcher().parse().unwrap()));
    assert_eq!(entry.request.unwrap().to_uuid(), call_id);
    let rows = installation.mailboxes.deliveries(DeliveryFilter::default()).await.unwrap();
    assert_eq!(rows.deliveries.len(), 1);
    assert!(installation.read_by_the_holder().await.is_empty());
    assert_ne!(authority(), dispatcher());
}
