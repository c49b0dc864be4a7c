//! One delivery in all its stages, with its place in the log.

use super::deliveries::{DeliveryFacts, facts};
use super::error::StaffError;
use crate::mailbox::incoming::Stage;
use crate::mailbox::row::sender_message_parts;
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, KeyRange, Table};
use mbx_common::audit::{Entry, Peer, Subject};
use mbx_common::id::{ContentId, DeliveryId, MailboxId};
use mbx_common::time::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Deliveries that one sender's message id may lead to: the same id may come again and again.
const BY_SENDER_ID_MAX: usize = 100;

/// Entries that are looked through for the one of a delivery, at most.
const ENTRIES_MAX: u64 = 50_000;

/// Entries read at a time.
const STEP_ENTRIES: usize = 500;

/// Entries before the moment of arrival that are looked through too: acts side by side may commit
/// in another order than they began.
const DISORDER: u64 = 1000;

/// How long after its first byte a delivery may become durable, in milliseconds.
const DURABLE_WITHIN_MS: u64 = 10 * 60_000;

/// Deliveries of which it is remembered how long the commit took.
const REMEMBERED: usize = 10_000;

/// A delivery in all its stages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
    /// Its facts.
    pub facts: DeliveryFacts,
    /// The stages before the last in order, and how long each took, in microseconds.
    pub stages: Vec<(Stage, u64)>,
    /// How long the commit took, in microseconds; remembered of the newest deliveries since the
    /// start of the daemon.
    pub commit_us: Option<u64>,
    /// Its place in the log, where it was found.
    pub place: Option<Place>,
    /// The mailboxes it was stored for.
    pub mailboxes: Vec<MailboxId>,
    /// The stored contents, the manifest first.
    pub contents: Vec<ContentId>,
    /// The content root, where something was stored.
    pub content_root: Option<[u8; 32]>,
}

/// Where a delivery stands in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Number of its unit of work: each has one entry, so that it is the entry's position and one.
    pub commit: u64,
    /// Position of its audit entry.
    pub audit: u64,
    /// From where it came, as the entry tells.
    pub peer: Option<Peer>,
}

impl Mailboxes {
    /// Shows one delivery in all its stages.
    ///
    /// # Errors
    /// [`StaffError::NoDelivery`].
    pub async fn trace(&self, delivery: DeliveryId) -> Result<Trace, StaffError> {
        let row = self.delivery_row(delivery).await?.ok_or(StaffError::NoDelivery)?;
        let place = self.place(delivery, row.received).await?;
        let answer = row.answer.clone().unwrap_or_default();
        let stored = !answer.contents.is_empty();
        Ok(Trace {
            facts: facts(delivery, &row),
            stages: row.stages().collect(),
            commit_us: self.commits().of(delivery),
            place,
            mailboxes: answer.mailboxes,
            contents: answer.contents,
            content_root: stored.then_some(answer.content_root),
        })
    }

    /// The deliveries that carried a message with this id of the sender's, the newest first.
    ///
    /// # Errors
    /// [`StaffError::NoDelivery`] where there is none; [`StaffError::Keys`] while ids cannot be
    /// looked up.
    pub async fn trace_sender_id(&self, sender_id: &str) -> Result<Vec<DeliveryId>, StaffError> {
        let mark = self.sender_id_mark(sender_id)?;
        let page =
            self.store().scan(Table::SenderMessage, KeyRange::prefix(&mark), BY_SENDER_ID_MAX);
        let mut found = Vec::new();
        for (key, _) in &page.await?.rows {
            let delivery = sender_message_parts(key).ok_or(BadRow)?;
            let received = self.delivery_row(delivery).await?.map(|row| row.received);
            found.push((received, delivery));
        }
        if found.is_empty() {
            return Err(StaffError::NoDelivery);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        Ok(found.into_iter().map(|(_, delivery)| delivery).collect())
    }

    /// The entry that tells of this delivery first. Entries lie by time but for those that were
    /// made side by side, so it is searched from the moment of arrival on.
    async fn place(
        &self,
        delivery: DeliveryId,
        received: Timestamp,
    ) -> Result<Option<Place>, StaffError> {
        let mut next = self.first_entry_since(received).await?.saturating_sub(DISORDER);
        let last = next.saturating_add(ENTRIES_MAX);
        let latest = received.plus_millis(DURABLE_WITHIN_MS);
        while next < last {
            let leaves = self.store().leaves(next, STEP_ENTRIES).await?;
            if leaves.is_empty() {
                return Ok(None);
            }
            for leaf in &leaves {
                let Ok(entry) = Entry::decode(leaf) else { return Ok(None) };
                if entry.subjects.contains(&Subject::Delivery(delivery)) {
                    let commit = next.saturating_add(1);
                    return Ok(Some(Place { commit, audit: next, peer: entry.peer }));
                }
                if entry.time > latest {
                    return Ok(None);
                }
                next = next.saturating_add(1);
            }
        }
        Ok(None)
    }

    /// The position of the first entry that is not older, by halving.
    async fn first_entry_since(&self, moment: Timestamp) -> Result<u64, StaffError> {
        let (mut low, mut high) = (0, self.store().tree().await?.0);
        while low < high {
            let middle = low.midpoint(high);
            let leaves = self.store().leaves(middle, 1).await?;
            let older = leaves
                .first()
                .is_some_and(|leaf| Entry::decode(leaf).is_ok_and(|entry| entry.time < moment));
            if older { low = middle.saturating_add(1) } else { high = middle }
        }
        Ok(low)
    }
}

/// How long the newest deliveries took to become durable. A row cannot hold it: it is known when
/// the row is durable.
#[derive(Debug, Default)]
pub(in crate::mailbox) struct Commits(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    took_us: HashMap<DeliveryId, u64>,
    order: VecDeque<DeliveryId>,
}

impl Commits {
    /// Remembers one, and forgets the oldest.
    pub(in crate::mailbox) fn remember(&self, delivery: DeliveryId, us: u64) {
        let mut remembered = self.remembered();
        if remembered.took_us.insert(delivery, us).is_none() {
            remembered.order.push_back(delivery);
        }
        if remembered.order.len() > REMEMBERED
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.took_us.remove(&oldest);
        }
    }

    fn of(&self, delivery: DeliveryId) -> Option<u64> {
        self.remembered().took_us.get(&delivery).copied()
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_commits_are_forgotten() {
        let commits = Commits::default();
        let id =
            |number: usize| DeliveryId::from_bytes(u128::try_from(number).unwrap().to_be_bytes());
        for number in 0..=REMEMBERED {
            commits.remember(id(number), 7);
        }
        assert_eq!((commits.of(id(0)), commits.of(id(REMEMBERED))), (None, Some(7)));
        assert_eq!(commits.remembered().took_us.len(), REMEMBERED);
    }
}
