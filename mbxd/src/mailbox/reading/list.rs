//! The messages of a mailbox, newest first.

use super::content::{open_dek, open_manifest};
use super::error::HolderError;
use super::stored::Stored;
use super::view::{Etag, MessageView};
use super::visit::Visit;
use crate::access::{Action, Denied, Grant};
use crate::keys::OpenedKey;
use crate::mailbox::manifest::BadManifest;
use crate::mailbox::row::{MessageRow, message_key, message_parts};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, Changes, KeyRange, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::{ProtectionClass, Tier};
use mbx_common::audit::{Event, Fact};
use mbx_common::id::MailboxId;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Timestamp;

/// Rows read to fill one page at most: a page of a mailbox with many deleted messages may be short.
const ROWS_READ_MAX: usize = 4 * LIST_ROWS_MAX;

/// Which messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ListRequest {
    /// Deleted ones that can still be restored, instead of the others.
    pub deleted: bool,
    /// Read on before this place; from a former [`Listing::next`].
    pub before: Option<u64>,
    /// Rows at most.
    pub limit: Option<usize>,
}

/// One page.
#[derive(Debug)]
pub struct Listing {
    /// The newest first.
    pub messages: Vec<Listed>,
    /// Where to read on; `None` at the end.
    pub next: Option<u64>,
}

/// One message of a list.
#[derive(Debug)]
pub enum Listed {
    /// Within reach of the person's level.
    Within(Box<MessageView>),
    /// It waits for a surer or fresher identification: time and class, nothing else.
    OutOfReach {
        /// When it came.
        received: Timestamp,
        /// Its class.
        class: ProtectionClass,
        /// What stands against it.
        because: Denied,
    },
    /// Its row or its contents fail their integrity check: nothing of it is shown, and the others
    /// are. Each is an alarm.
    Damaged {
        /// When it came, where its row can be read.
        received: Option<Timestamp>,
        /// Its class, where its row can be read.
        class: Option<ProtectionClass>,
    },
}

impl Mailboxes {
    /// Lists messages with subject and part names, which are read from each manifest for the
    /// classes within reach only. One *Listed* entry a call. A damaged message hides no other.
    ///
    /// # Errors
    /// [`HolderError`]; a refusal leaves its entry.
    pub async fn list(&self, visit: &Visit, request: ListRequest) -> Result<Listing, HolderError> {
        let listed = self.try_list(visit, request).await;
        self.noting_refusal(visit, listed).await
    }

    async fn try_list(&self, visit: &Visit, request: ListRequest) -> Result<Listing, HolderError> {
        visit.unused()?;
        let mut lister = Lister {
            mailboxes: self,
            visit,
            basic: self.grant(visit, Action::ListBasic)?,
            high: self.grant(visit, Action::ListHigh),
            keys: [None, None],
        };
        let mailbox = lister.basic.mailbox();
        let page = self.rows(mailbox, request).await?;
        let mut messages = Vec::with_capacity(page.rows.len());
        for (raw, row) in &page.rows {
            messages.push(match row {
                Ok(row) => lister.listed(raw, row).await?,
                Err(BadRow) => Listed::Damaged { received: None, class: None },
            });
        }
        self.note_damage(mailbox, &messages);
        let count = u64::try_from(messages.len()).unwrap_or(u64::MAX);
        let reach = if lister.high.is_ok() { ProtectionClass::Three } else { ProtectionClass::Two };
        let entry = self
            .entry(visit, Event::MessagesListed)
            .fact(Fact::Class(reach.number()))
            .fact(Fact::Count(count));
        self.commit_act(visit, Changes::new(), entry, None).await?;
        Ok(Listing { messages, next: page.next })
    }

    /// Raises the alarm about what cannot be shown.
    fn note_damage(&self, mailbox: MailboxId, messages: &[Listed]) {
        let damaged = messages.iter().filter(|listed| matches!(listed, Listed::Damaged { .. }));
        let damaged = u64::try_from(damaged.count()).unwrap_or(u64::MAX);
        if damaged > 0 {
            self.keys().note_altered(damaged);
            tracing::error!(%mailbox, messages = damaged, "damaged messages cannot be listed");
        }
    }

    async fn rows(&self, mailbox: MailboxId, request: ListRequest) -> Result<Rows, HolderError> {
        let limit = request.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
        let mut range = KeyRange::prefix(mailbox.as_bytes()).backwards();
        if let Some(before) = request.before {
            range.until = Some(message_key(mailbox, before));
        }
        let mut rows = Vec::new();
        let mut read = 0_usize;
        loop {
            let page = self.store().scan(Table::Message, range.clone(), limit).await?;
            read = read.saturating_add(page.rows.len());
            let mut last = None;
            for (key, raw) in page.rows {
                let row = MessageRow::decode(&raw);
                let (_, sequence) = message_parts(&key).ok_or(BadRow)?;
                last = Some(sequence);
                // Of a damaged row nobody knows whether it was deleted: it stands with the others.
                let deleted = row.as_ref().is_ok_and(|row| row.deleted.is_some());
                if deleted == request.deleted {
                    rows.push((raw, row));
                }
                if rows.len() == limit {
                    return Ok(Rows { rows, next: last });
                }
            }
            match last {
                Some(last) if page.more => {
                    range.until = Some(message_key(mailbox, last));
                    if read >= ROWS_READ_MAX {
                        return Ok(Rows { rows, next: Some(last) });
                    }
                }
                _ => return Ok(Rows { rows, next: None }),
            }
        }
    }
}

struct Rows {
    rows: Vec<(Bytes, Result<MessageRow, BadRow>)>,
    next: Option<u64>,
}

/// Lists with the keys of one call, each opened when the first message needs it.
struct Lister<'a> {
    mailboxes: &'a Mailboxes,
    visit: &'a Visit,
    basic: Grant,
    high: Result<Grant, Denied>,
    keys: [Option<OpenedKey>; 2],
}

impl Lister<'_> {
    async fn listed(&mut self, raw: &Bytes, row: &MessageRow) -> Result<Listed, HolderError> {
        let tier = row.class.tier();
        let grant = match (tier, &self.high) {
            (Tier::Basic, _) => &self.basic,
            (Tier::High, Ok(grant)) => grant,
            (Tier::High, Err(because)) => {
                let (received, class, because) = (row.received, row.class, *because);
                return Ok(Listed::OutOfReach { received, class, because });
            }
        };
        let mailbox = grant.mailbox();
        if !grant.covers(mailbox, Action::list(tier), row.class) {
            return Err(HolderError::NotCovered);
        }
        let [basic, high] = &mut self.keys;
        let slot = match tier {
            Tier::Basic => basic,
            Tier::High => high,
        };
        let key = if let Some(key) = slot {
            key
        } else {
            slot.insert(self.mailboxes.unlock(grant, self.visit.session()).await?)
        };
        match self.mailboxes.listed_view(key, mailbox, (raw, row)).await {
            Ok(view) => Ok(Listed::Within(Box::new(view))),
            Err(error) if error.is_damage() => {
                Ok(Listed::Damaged { received: Some(row.received), class: Some(row.class) })
            }
            Err(error) => Err(error),
        }
    }
}

impl Mailboxes {
    async fn listed_view(
        &self,
        key: &OpenedKey,
        mailbox: MailboxId,
        (raw, row): (&Bytes, &MessageRow),
    ) -> Result<MessageView, HolderError> {
        let dek = open_dek(key, mailbox, row)?;
        let stored = Stored::find(self.store(), row.manifest).await?;
        let manifest = open_manifest(&dek, &stored).await?;
        let message = manifest.message(row.place).ok_or(BadManifest)?;
        Ok(MessageView::of(row, &manifest.sender.name, message, Etag::of(raw)))
    }
}
