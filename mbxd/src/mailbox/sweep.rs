//! What has expired is dropped: marks of repeats, used assertions, and the keys of deleted
//! messages (erasure, step 1: without its sealed DEK a message is ciphertext for ever).

use super::row::{DedupRow, Due, Expiring, JtiRow, MessageRow, due_key, due_parts};
use super::service::Mailboxes;
use crate::store::{
    BadRow, Changes, CommitError, Expectation, KeyRange, ReadError, Row as _, Table,
};
use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Fact, Subject};
use mbx_common::error::Kind;
use mbx_common::time::Timestamp;

/// Rows dropped in one unit of work.
const STEP_ROWS: usize = 200;
/// Units of work in one sweep, so that it ends; the next one goes on.
const STEPS_MAX: usize = 500;

/// What a sweep dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Marks and assertions.
    pub rows: u64,
    /// Deleted messages whose keys were erased.
    pub messages: u64,
}

/// Why a sweep stopped. What it dropped before stays dropped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The store cannot read.
    #[error("cannot read what has expired")]
    Read(#[from] ReadError),
    /// The store cannot write.
    #[error("cannot drop what has expired")]
    Commit(#[from] CommitError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] BadRow),
}

impl SweepError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(error) => error.kind(),
        }
    }
}

impl Mailboxes {
    /// Drops what has expired. To be called every few minutes.
    ///
    /// # Errors
    /// [`SweepError`]; the next sweep goes on.
    pub async fn sweep(&self) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        let mut range = KeyRange::all();
        range.until = Some(tomorrow(self.now()));
        for _ in 0..STEPS_MAX {
            let page = self.store().scan(Table::Retention, range.clone(), STEP_ROWS).await?;
            if let Some((last, _)) = page.rows.last() {
                range.from = [last, &[0][..]].concat().into();
            }
            let mut step = Step::default();
            for (key, _) in page.rows {
                let due = due_parts(&key).ok_or(BadRow)?;
                if due.at <= self.now() {
                    self.expire(&mut step, key, &due).await?;
                }
            }
            step.commit(self, &mut swept).await?;
            if !page.more {
                break;
            }
        }
        Ok(swept)
    }

    async fn expire(&self, step: &mut Step, key: Bytes, due: &Due) -> Result<(), SweepError> {
        step.changes.delete(Table::Retention, key);
        step.rows = step.rows.saturating_add(1);
        let now = self.now();
        match due.what {
            Expiring::Dedup => {
                let raw = self.store().get(Table::Dedup, &due.key).await?;
                if let Some(raw) = raw.filter(|raw| has_expired::<DedupRow>(raw, now)) {
                    step.drop_row(Table::Dedup, due.key.clone(), raw);
                }
            }
            Expiring::Jti => {
                let raw = self.store().get(Table::Jti, &due.key).await?;
                if let Some(raw) = raw.filter(|raw| has_expired::<JtiRow>(raw, now)) {
                    step.drop_row(Table::Jti, due.key.clone(), raw);
                }
            }
            Expiring::DeletedMessage => {
                let Some(raw) = self.store().get(Table::Message, &due.key).await? else {
                    return Ok(());
                };
                let row = MessageRow::decode(&raw)?;
                if row.deleted.is_some_and(|deletion| deletion.until <= now) {
                    step.changes.delete(Table::MessagePlace, row.id.as_bytes().to_vec());
                    step.drop_row(Table::Message, due.key.clone(), raw);
                    step.erased.push(Subject::Message(row.id));
                }
            }
        }
        Ok(())
    }
}

/// One unit of work of a sweep.
#[derive(Default)]
struct Step {
    changes: Changes,
    rows: u64,
    erased: Vec<Subject>,
}

impl Step {
    fn drop_row(&mut self, table: Table, key: Bytes, raw: Bytes) {
        self.changes.expect(table, key.clone(), Expectation::Equals(raw)).delete(table, key);
    }

    async fn commit(self, mailboxes: &Mailboxes, swept: &mut Swept) -> Result<(), SweepError> {
        if self.rows == 0 {
            return Ok(());
        }
        let messages = u64::try_from(self.erased.len()).unwrap_or(u64::MAX);
        let event = if self.erased.is_empty() { Event::RowsExpired } else { Event::MessagesErased };
        let mut entry =
            Entry::new(mailboxes.now(), event, Actor::Daemon).fact(Fact::Count(self.rows));
        entry.subjects = self.erased;
        match mailboxes.store().commit(self.changes, entry).await {
            Ok(_) => {
                swept.rows = swept.rows.saturating_add(self.rows.saturating_sub(messages));
                swept.messages = swept.messages.saturating_add(messages);
                Ok(())
            }
            // Somebody restored a message or used a mark just now: the next sweep looks again.
            Err(CommitError::Expectation { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A row with an end. A damaged one is left for `mailbox verify` to find.
trait Ends: crate::store::Row {
    fn until(&self) -> Timestamp;
}

impl Ends for DedupRow {
    fn until(&self) -> Timestamp {
        self.until
    }
}

impl Ends for JtiRow {
    fn until(&self) -> Timestamp {
        self.until
    }
}

fn has_expired<R: Ends>(raw: &Bytes, now: Timestamp) -> bool {
    R::decode(raw).is_ok_and(|row| row.until() <= now)
}

/// The first key of tomorrow: everything due until then sorts before it.
fn tomorrow(now: Timestamp) -> Bytes {
    const DAY_MS: u64 = 86_400_000;
    let at = now.plus_millis(DAY_MS);
    let midnight = at.minus_millis(at.as_millis() % DAY_MS);
    due_key(&Due { at: midnight, what: Expiring::Dedup, key: Bytes::new() })
}
