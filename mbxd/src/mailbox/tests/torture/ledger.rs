//! What a script tried, what was acknowledged, and what may therefore be found afterwards.

use mbx_common::audit::Event;
use mbx_common::id::RequestId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A holder of the script, by place in [`super::script::HOLDERS`].
pub(super) type Holder = usize;

/// What is known of one letter in one mailbox. Two values: an act on it was not acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Whether its delivery was acknowledged to the authority.
    pub(super) acknowledged: bool,
    /// Whether it may be marked read.
    pub(super) read: BTreeSet<bool>,
    /// Whether it may be deleted.
    pub(super) deleted: BTreeSet<bool>,
}

/// One act with the request that it was asked for by.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) request: RequestId,
    /// Events of which one must tell of it.
    pub(super) events: &'static [Event],
    pub(super) acknowledged: bool,
}

/// What was done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) acts: Vec<Act>,
    pub(super) initialised: bool,
    pub(super) registered: [bool; 2],
    pub(super) letters: BTreeMap<(u8, Holder), Letter>,
}

impl Ledger {
    /// Letters of which somebody was told that they were delivered.
    pub(super) fn acknowledged(&self) -> usize {
        self.letters.values().filter(|letter| letter.acknowledged).count()
    }
}

/// Where a script writes it down, before and after each act. Clones write to the same one.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Mutex<Ledger>>);

impl Book {
    pub(super) fn ledger(&self) -> Ledger {
        self.page().clone()
    }

    pub(super) fn page(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap()
    }

    /// An act is about to be tried; its request is told to the service.
    pub(super) fn begin(&self, events: &'static [Event]) -> RequestId {
        let request = RequestId::from_bytes(crate::random::bytes());
        self.page().acts.push(Act { request, events, acknowledged: false });
        request
    }

    /// It was acknowledged.
    pub(super) fn done(&self, request: RequestId) {
        let mut page = self.page();
        let act = page.acts.iter_mut().rfind(|act| act.request == request).unwrap();
        act.acknowledged = true;
    }

    /// A letter is about to be delivered.
    pub(super) fn post(&self, number: u8, holder: Holder) {
        let new = || Letter {
            acknowledged: false,
            read: BTreeSet::from([false]),
            deleted: BTreeSet::from([false]),
        };
        self.page().letters.entry((number, holder)).or_insert_with(new);
    }
}
