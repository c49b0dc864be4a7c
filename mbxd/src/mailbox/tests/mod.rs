//! The room over a store in memory and a token in software.

mod accepting;
mod decoding;
pub(super) mod fixture;
mod flooding;
mod reading;
mod registering;
mod swapped;
mod sweeping;
mod torture;
mod tracing;
mod unrecorded;
mod verifying;

use super::incoming::{Incoming, Operation, RepeatMark};
use super::reading::{Caller, PartStream, Ticket, Visit};
use super::staff::Registration;
use super::{Mailboxes, Options, Surroundings, Terms};
use crate::jobs::Jobs;
use crate::keys::testing::Bench;
use crate::store::Store;
use crate::store::memory::Memory;
use bytes::Bytes;
use mbx_common::assurance::Loa;
use mbx_common::audit::{Actor, Entry, Event, Origin};
use mbx_common::id::{MailboxId, RequestId};
use mbx_common::identity::NationalNumber;
use std::sync::Arc;

const ANNA: &str = "191212121212";
const BO: &str = "197010632391";

/// An installation with nobody in it.
struct World {
    bench: Bench,
    memory: Arc<Memory>,
    mailboxes: Mailboxes,
}

impl World {
    async fn new() -> Self {
        let memory = Arc::new(Memory::new());
        let bench = Bench::over(Store::new(Arc::<Memory>::clone(&memory))).await;
        bench.initialise().await;
        bench.keys.open().await.unwrap();
        Self::over(bench, memory)
    }

    /// Over these keys, which are open.
    fn over(bench: Bench, memory: Arc<Memory>) -> Self {
        let surroundings = Surroundings {
            store: bench.store.clone(),
            keys: bench.keys.clone(),
            jobs: Jobs::new(bench.store.clone(), bench.clock.clone()),
            clock: bench.clock.clone(),
        };
        let terms = Some(Terms { version: "2026-05".to_owned(), sha256: [5; 32] });
        let mailboxes = Mailboxes::new(surroundings, Options { terms, ..Options::default() });
        Self { bench, memory, mailboxes }
    }

    /// With Anna registered.
    async fn with_anna() -> (Self, MailboxId) {
        let world = Self::new().await;
        let mailbox = world.register(ANNA).await;
        (world, mailbox)
    }

    async fn register(&self, number: &str) -> MailboxId {
        self.mailboxes.register(registration(number), &origin()).await.unwrap().mailbox
    }

    /// What the log holds since the first `seen` entries.
    fn events(&self, seen: usize) -> Vec<Event> {
        self.memory.entries()[seen..].iter().map(|entry| entry.event).collect()
    }

    fn entries(&self) -> usize {
        self.memory.entries().len()
    }

    fn last_entry(&self) -> Entry {
        self.memory.entries().last().unwrap().clone()
    }

    /// A call of the portal for this person, identified just now.
    async fn visit(&self, number: &str, loa: Loa) -> Visit {
        self.mailboxes.enter(self.caller(number, loa)).await.unwrap()
    }

    fn caller(&self, number: &str, loa: Loa) -> Caller {
        let now = self.bench.clock.now();
        Caller {
            portal: "my-pages".to_owned(),
            peer: None,
            request: RequestId::from_bytes(crate::random::bytes()),
            number: number.parse().unwrap(),
            loa,
            authenticated: now.minus_millis(1000),
            on_behalf_of: None,
            ticket: Ticket { id: crate::random::bytes(), until: now.plus_millis(60_000) },
        }
    }
}

fn registration(number: &str) -> Registration {
    Registration {
        number: number.parse().unwrap(),
        kind: None,
        terms: None,
        accepted: None,
        loa: Loa::Three,
        reference: Some("prt_51c0".to_owned()),
    }
}

fn origin() -> Origin {
    Origin::of(Actor::Local(0))
}

fn numbers(numbers: &[&str]) -> Vec<Option<NationalNumber>> {
    numbers.iter().map(|number| number.parse().ok()).collect()
}

/// A `notify` to these people.
fn notify(recipients: &[&str]) -> Incoming {
    Incoming {
        operation: Operation::Notify,
        class: mbx_common::assurance::ProtectionClass::One,
        recipients: numbers(recipients),
        ..fixture::incoming()
    }
}

/// A `deliverSecure` to Anna that differs from every other with another number.
fn letter(n: u8) -> Incoming {
    Incoming { repeat_mark: RepeatMark::of(Operation::DeliverSecure, &[n]), ..fixture::incoming() }
}

async fn octets(mut part: PartStream) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(piece) = part.next().await.unwrap() {
        octets.extend_from_slice(&piece);
    }
    octets
}
