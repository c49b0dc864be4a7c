//! A load of every kind of unit of work that the daemon does: deliveries of several sizes,
//! notices to many, marks, deletions, restorings, registrations, sweeps, acts of staff.

use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Fact};
use mbx_common::id::ContentId;
use mbx_common::time::Timestamp;
use mbxd::store::{Changes, Expectation, NewContent, Table};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// A unit of work to be done.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) changes: Changes,
    pub(super) contents: Vec<NewContent>,
    pub(super) entry: Entry,
}

/// Units of work, one after another, from random numbers.
#[derive(Debug)]
pub(super) struct Load {
    rng: ChaCha20Rng,
    number: u64,
    /// Keys of the messages that are there, and of those deleted.
    live: Vec<Bytes>,
    deleted: Vec<Bytes>,
}

/// Lengths of contents; the second is below a sector, the last fills several.
const CONTENT_LENS: [usize; 6] = [0, 90, 700, 1300, 2500, 9000];
/// Most recipients of a notice.
const RECIPIENTS_MAX: usize = 5;
/// Length of a message's row: some stand in the log alone.
const ROW_LENS: [usize; 3] = [40, 180, 1360];

impl Load {
    pub(super) fn new(rng: ChaCha20Rng) -> Self {
        Self { rng, number: 0, live: Vec::new(), deleted: Vec::new() }
    }

    /// The next unit, on the assumption that those before were done.
    pub(super) fn next_unit(&mut self) -> Unit {
        self.number = self.number.saturating_add(1);
        let mut changes = Changes::new();
        let mut contents = Vec::new();
        let event = match self.rng.random_range(0..100) {
            0..40 => self.deliver(&mut changes, &mut contents, 1),
            40..50 => {
                let recipients = self.rng.random_range(2..=RECIPIENTS_MAX);
                self.deliver(&mut changes, &mut contents, recipients)
            }
            50..65 => self.mark(&mut changes),
            65..75 => self.delete(&mut changes),
            75..80 => self.restore(&mut changes),
            80..90 => self.register(&mut changes),
            90..95 => self.sweep(&mut changes),
            _ => Event::LoggedIn,
        };
        let entry = entry(self.number, event);
        Unit { changes, contents, entry }
    }

    fn deliver(
        &mut self,
        changes: &mut Changes,
        contents: &mut Vec<NewContent>,
        recipients: usize,
    ) -> Event {
        for _ in 0..self.rng.random_range(1..=2) {
            let mut id = [0; 16];
            self.rng.fill_bytes(&mut id);
            let len = pick(&mut self.rng, &CONTENT_LENS);
            let pieces =
                intact(&mut self.rng, len).chunks(700).map(Bytes::copy_from_slice).collect();
            contents.push(NewContent { id: ContentId::from_bytes(id), pieces });
        }
        let mark = self.bytes(32);
        changes.expect(Table::Dedup, mark.clone(), Expectation::Absent);
        changes.put(Table::Dedup, mark, self.bytes(26));
        for _ in 0..recipients {
            let (key, row) = (self.bytes(24), self.row());
            changes.expect(Table::Message, key.clone(), Expectation::Absent);
            changes.put(Table::Message, key.clone(), row);
            changes.put(Table::MessagePlace, key.slice(8..), key.clone());
            self.live.push(key);
        }
        Event::DeliveryAccepted
    }

    fn mark(&mut self, changes: &mut Changes) -> Event {
        if let Some(key) = some(&mut self.rng, &self.live).cloned() {
            let row = self.row();
            changes.expect(Table::Message, key.clone(), Expectation::Present);
            changes.put(Table::Message, key, row);
        }
        Event::MessageMarked
    }

    fn delete(&mut self, changes: &mut Changes) -> Event {
        if let Some(key) = take(&mut self.rng, &mut self.live) {
            changes.expect(Table::Message, key.clone(), Expectation::Present);
            changes.delete(Table::Message, key.clone());
            changes.put(Table::Retention, key.clone(), self.row());
            self.deleted.push(key);
        }
        Event::MessageDeleted
    }

    fn restore(&mut self, changes: &mut Changes) -> Event {
        if let Some(key) = take(&mut self.rng, &mut self.deleted) {
            changes.expect(Table::Retention, key.clone(), Expectation::Present);
            changes.delete(Table::Retention, key.clone());
            changes.put(Table::Message, key.clone(), self.row());
            self.live.push(key);
        }
        Event::MessageMarked
    }

    fn register(&mut self, changes: &mut Changes) -> Event {
        let (person, mailbox) = (self.bytes(32), self.bytes(16));
        changes.expect(Table::Directory, person.clone(), Expectation::Absent);
        changes.put(Table::Directory, person, self.bytes(600));
        changes.put(Table::Mailbox, mailbox.clone(), self.bytes(90));
        changes.put(Table::MailboxKeys, mailbox, self.bytes(3100));
        Event::MailboxRegistered
    }

    fn sweep(&mut self, changes: &mut Changes) -> Event {
        for _ in 0..self.rng.random_range(1..6) {
            if let Some(key) = take(&mut self.rng, &mut self.deleted) {
                changes.delete(Table::Retention, key.clone());
                changes.delete(Table::MessagePlace, key.slice(8..));
            }
        }
        Event::RowsExpired
    }

    fn row(&mut self) -> Bytes {
        let len = pick(&mut self.rng, &ROW_LENS);
        self.bytes(len)
    }

    fn bytes(&mut self, len: usize) -> Bytes {
        let mut bytes = vec![0; len];
        self.rng.fill_bytes(&mut bytes);
        bytes.into()
    }
}

fn pick(rng: &mut ChaCha20Rng, of: &[usize]) -> usize {
    some(rng, of).copied().unwrap_or_default()
}

fn some<'a, T>(rng: &mut ChaCha20Rng, of: &'a [T]) -> Option<&'a T> {
    if of.is_empty() { None } else { of.get(rng.random_range(0..of.len())) }
}

fn take(rng: &mut ChaCha20Rng, from: &mut Vec<Bytes>) -> Option<Bytes> {
    if from.is_empty() { None } else { Some(from.swap_remove(rng.random_range(0..from.len()))) }
}

/// The audit entry of a unit.
pub(super) fn entry(number: u64, event: Event) -> Entry {
    let time = Timestamp::from_millis(1_795_000_000_000_u64.saturating_add(number));
    let Ok(time) = time else { panic!("no such time: {number}") };
    Entry::new(time, event, Actor::Daemon).fact(Fact::Count(number))
}

/// A content that tells whether it was altered, as what is stored sealed does.
fn intact(rng: &mut ChaCha20Rng, len: usize) -> Vec<u8> {
    let mut content = vec![0; len];
    rng.fill_bytes(&mut content);
    let sum = Sha256::digest(&content);
    content.extend_from_slice(&sum);
    content
}

/// Whether a content is one of the load's, whole and not altered.
pub(super) fn is_intact(content: &[u8]) -> bool {
    content
        .split_last_chunk::<32>()
        .is_some_and(|(content, sum)| Sha256::digest(content).as_slice() == sum)
}
