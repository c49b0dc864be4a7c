//! What has expired is dropped: marks of repeats, used assertions, and the keys of deleted
//! messages (erasure, step 1: without its sealed DEK a message is ciphertext for ever).

use super::row::{DedupRow, Due, Expiring, JtiRow, MessageRow, due_by, due_parts};
use super::service::Mailboxes;
use crate::store::{BadRow, Changes, CommitError, Expectation, ReadError, Row as _, Table};
use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Fact, Subject};
use mbx_common::error::Kind;
use mbx_common::time::Timestamp;

/// Rows dropped in one unit of work.
const STEP_ROWS: usize = 200;
/// Units of work for one kind in one sweep, so that it ends; the next one goes on.
const STEPS_MAX: usize = 500;

/// What a sweep dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Marks and assertions.
    pub rows: u64,
    /// Deleted messages whose keys were erased.
    pub messages: u64,
    /// Rows that were due and cannot be read: left where they are.
    pub damaged: u64,
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
}

impl SweepError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }
}

impl Mailboxes {
    /// Drops what has expired, kind by kind. To be called every few minutes.
    ///
    /// A damaged row is left and counted; it holds up no other.
    ///
    /// # Errors
    /// [`SweepError`]; the next sweep goes on.
    pub async fn sweep(&self) -> Result<Swept, SweepError> {
        let mut swept = Swept::default();
        for what in Expiring::ALL {
            self.sweep_kind(what, &mut swept).await?;
        }
        if swept.damaged > 0 {
            tracing::error!(rows = swept.damaged, "damaged rows are due and cannot be dropped");
        }
        Ok(swept)
    }

    async fn sweep_kind(&self, what: Expiring, swept: &mut Swept) -> Result<(), SweepError> {
        let mut range = due_by(what, self.now());
        for _ in 0..STEPS_MAX {
            let page = self.store().scan(Table::Retention, range.clone(), STEP_ROWS).await?;
            if let Some((last, _)) = page.rows.last() {
                range.from = [last, &[0][..]].concat().into();
            }
            let mut step = Step::default();
            for (key, _) in page.rows {
                match self.expire(&mut step, key).await {
                    Ok(()) => {}
                    Err(Left::Damaged) => swept.damaged = swept.damaged.saturating_add(1),
                    Err(Left::Unread(error)) => return Err(error.into()),
                }
            }
            step.commit(self, swept).await?;
            if !page.more {
                break;
            }
        }
        Ok(())
    }

    /// Adds to the step what drops a row that is due, and its key among the due ones.
    async fn expire(&self, step: &mut Step, key: Bytes) -> Result<(), Left> {
        let due = due_parts(&key).ok_or(Left::Damaged)?;
        let now = self.now();
        match due.what {
            Expiring::Dedup => self.expire_row::<DedupRow>(step, Table::Dedup, due).await?,
            Expiring::Jti => self.expire_row::<JtiRow>(step, Table::Jti, due).await?,
            Expiring::DeletedMessage => {
                if let Some(raw) = self.store().get(Table::Message, &due.key).await? {
                    let row = MessageRow::decode(&raw)?;
                    if row.deleted.is_some_and(|deletion| deletion.until <= now) {
                        step.changes.delete(Table::MessagePlace, row.id.as_bytes().to_vec());
                        step.drop_row(Table::Message, due.key, raw);
                        step.erased.push(Subject::Message(row.id));
                    }
                }
            }
        }
        step.changes.delete(Table::Retention, key);
        step.rows = step.rows.saturating_add(1);
        Ok(())
    }

    async fn expire_row<R: Ends>(
        &self,
        step: &mut Step,
        table: Table,
        due: Due,
    ) -> Result<(), Left> {
        if let Some(raw) = self.store().get(table, &due.key).await?
            && R::decode(&raw)?.until() <= self.now()
        {
            step.drop_row(table, due.key, raw);
        }
        Ok(())
    }
}

/// Why a row that is due was left.
enum Left {
    /// It cannot be read, now or later.
    Damaged,
    /// The store cannot read at the moment.
    Unread(ReadError),
}

impl From<BadRow> for Left {
    fn from(_: BadRow) -> Self {
        Self::Damaged
    }
}

impl From<ReadError> for Left {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged => Self::Damaged,
            ReadError::Unavailable | ReadError::NoContent => Self::Unread(error),
        }
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

/// A row with an end.
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
