//! Counts and sizes, from rows alone.

use super::error::StaffError;
use crate::mailbox::row::{MailboxRow, MessageRow};
use crate::mailbox::service::Mailboxes;
use crate::store::{KeyRange, ReadError, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::holder::MailboxState;
use mbx_common::id::MailboxId;
use mbx_common::time::Timestamp;

/// Rows read at a time.
const STEP_ROWS: usize = 500;

/// How long a count of the whole installation is given out again: it reads every row.
const STATS_KEPT_MS: u64 = 60_000;

/// Messages and sizes of one mailbox, or of all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Contents {
    /// Messages that are not deleted.
    pub messages: u64,
    /// Of these not read.
    pub unread: u64,
    /// Deleted ones that can still be restored.
    pub deleted: u64,
    /// Decoded bytes of the messages that are not deleted.
    pub bytes: u64,
    /// Messages of class 1, 2, 3 that are not deleted.
    pub by_class: [u64; 3],
    /// When the last one came.
    pub last_in: Option<Timestamp>,
}

/// What is counted and looked up for one mailbox beyond its own row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Figures {
    /// Messages and sizes.
    pub contents: Contents,
    /// Key epochs of the basic and the high tier; absent while the directory cannot be read.
    pub epochs: Option<[u32; 2]>,
}

/// Figures of the whole installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stats {
    /// Mailboxes that take deliveries.
    pub active: u64,
    /// Suspended ones.
    pub suspended: u64,
    /// Messages and sizes of all mailboxes.
    pub contents: Contents,
    /// When this was counted.
    pub counted: Timestamp,
}

impl Contents {
    /// How many rows were counted.
    pub(super) const fn rows(&self) -> u64 {
        self.messages.saturating_add(self.deleted)
    }

    fn add(&mut self, row: &MessageRow) {
        self.last_in = self.last_in.max(Some(row.received));
        if row.deleted.is_some() {
            self.deleted = self.deleted.saturating_add(1);
            return;
        }
        self.messages = self.messages.saturating_add(1);
        self.unread = self.unread.saturating_add(u64::from(row.read.is_none()));
        self.bytes = self.bytes.saturating_add(row.len);
        let [one, two, three] = &mut self.by_class;
        let count = match row.class {
            ProtectionClass::One => one,
            ProtectionClass::Two => two,
            ProtectionClass::Three => three,
        };
        *count = count.saturating_add(1);
    }
}

impl Mailboxes {
    /// The figures of the whole installation, at most a minute old: whoever asks meanwhile gets
    /// the same, and nobody counts beside another.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read.
    pub async fn stats(&self) -> Result<Stats, StaffError> {
        let mut kept = self.kept_stats().lock().await;
        let now = self.now();
        if let Some(stats) = *kept
            && stats.counted <= now
            && now.since(stats.counted) < STATS_KEPT_MS
        {
            return Ok(stats);
        }
        let stats = self.count().await?;
        *kept = Some(stats);
        Ok(stats)
    }

    /// Reads every mailbox's and every message's row.
    async fn count(&self) -> Result<Stats, StaffError> {
        let counted = self.now();
        let mut stats = Stats { active: 0, suspended: 0, contents: Contents::default(), counted };
        self.each(Table::Mailbox, KeyRange::all(), |raw| {
            match MailboxRow::decode(raw)?.state() {
                Some(MailboxState::Active) => stats.active = stats.active.saturating_add(1),
                Some(MailboxState::Suspended) => {
                    stats.suspended = stats.suspended.saturating_add(1);
                }
                Some(MailboxState::Closing | MailboxState::Closed) | None => {}
            }
            Ok::<_, StaffError>(())
        })
        .await?;
        stats.contents = self.counted(KeyRange::all()).await?;
        Ok(stats)
    }

    /// Counts one mailbox.
    pub(super) async fn contents(&self, mailbox: MailboxId) -> Result<Contents, StaffError> {
        self.counted(KeyRange::prefix(mailbox.as_bytes())).await
    }

    async fn counted(&self, range: KeyRange) -> Result<Contents, StaffError> {
        let mut contents = Contents::default();
        self.each(Table::Message, range, |raw| {
            contents.add(&MessageRow::decode(raw)?);
            Ok::<_, StaffError>(())
        })
        .await?;
        Ok(contents)
    }

    /// Reads every row of a range in ascending order.
    pub(super) async fn each<E: From<ReadError>>(
        &self,
        table: Table,
        mut range: KeyRange,
        mut look: impl FnMut(&Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let page = self.store().scan(table, range.clone(), STEP_ROWS).await?;
            for (_, raw) in &page.rows {
                look(raw)?;
            }
            match page.rows.last() {
                Some((last, _)) if page.more => range.from = [last, &[0][..]].concat().into(),
                _ => return Ok(()),
            }
        }
    }
}
