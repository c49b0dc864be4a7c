//! Marking, deleting and restoring messages.

use super::error::HolderError;
use super::open::Located;
use super::view::Etag;
use super::visit::Visit;
use crate::access::Action;
use crate::mailbox::row::{Deletion, Due, Expiring, MessageRow, due_key};
use crate::mailbox::service::Mailboxes;
use crate::store::{Changes, Expectation, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::Tier;
use mbx_common::audit::{Event, Fact, Subject};
use mbx_common::id::MessageId;
use mbx_common::time::Timestamp;

/// What a change left behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The message's tag now.
    pub etag: Etag,
    /// Until when it can be restored, where it was deleted.
    pub restorable_until: Option<Timestamp>,
}

/// What is done with a message.
#[derive(Clone, Copy)]
enum Verb {
    MarkRead,
    Delete,
    Restore,
}

impl Verb {
    const fn event(self) -> Event {
        match self {
            Self::MarkRead => Event::MessageMarked,
            Self::Delete => Event::MessageDeleted,
            Self::Restore => Event::MessageRestored,
        }
    }

    const fn action(self, tier: Tier) -> Action {
        match self {
            Self::MarkRead => Action::read(tier),
            Self::Delete | Self::Restore => Action::remove(tier),
        }
    }
}

/// A change of one message.
struct Change<'a> {
    visit: &'a Visit,
    message: MessageId,
    /// Only where the message has this tag still.
    if_match: Option<&'a str>,
    verb: Verb,
}

impl Mailboxes {
    /// Marks a message read; a second time changes nothing.
    ///
    /// # Errors
    /// [`HolderError`]; a refusal leaves its entry.
    pub async fn mark_read(
        &self,
        visit: &Visit,
        message: MessageId,
        if_match: Option<&str>,
    ) -> Result<Changed, HolderError> {
        self.change(Change { visit, message, if_match, verb: Verb::MarkRead }).await
    }

    /// Deletes a message: at once unreadable, restorable until its window ends. A second time
    /// changes nothing.
    ///
    /// # Errors
    /// [`HolderError`]; a refusal leaves its entry.
    pub async fn delete(
        &self,
        visit: &Visit,
        message: MessageId,
        if_match: Option<&str>,
    ) -> Result<Changed, HolderError> {
        self.change(Change { visit, message, if_match, verb: Verb::Delete }).await
    }

    /// Takes back a deletion within its window. A message that is not deleted stays as it is.
    ///
    /// # Errors
    /// [`HolderError::RestoreOver`] after the window; a refusal leaves its entry.
    pub async fn restore(
        &self,
        visit: &Visit,
        message: MessageId,
        if_match: Option<&str>,
    ) -> Result<Changed, HolderError> {
        self.change(Change { visit, message, if_match, verb: Verb::Restore }).await
    }

    async fn change(&self, change: Change<'_>) -> Result<Changed, HolderError> {
        let changed = self.try_change(&change).await;
        self.noting_refusal(change.visit, changed).await
    }

    async fn try_change(&self, change: &Change<'_>) -> Result<Changed, HolderError> {
        let Change { visit, message, if_match, verb } = *change;
        visit.unused()?;
        let Located { key, raw, mut row } = self.locate(visit, message).await?;
        let action = verb.action(row.class.tier());
        let grant = self.grant(visit, action)?;
        if !grant.covers(grant.mailbox(), action, row.class) {
            return Err(HolderError::NotCovered);
        }
        if if_match.is_some_and(|tag| tag != Etag::of(&raw).to_string()) {
            return Err(HolderError::Changed);
        }
        let mut changes = Changes::new();
        self.edit(verb, &mut row, &mut Window { changes: &mut changes, key: &key })?;
        let restorable_until = row.deleted.map(|deletion| deletion.until);
        let new = row.encode()?;
        let etag = Etag::of(&new);
        changes.expect(Table::Message, key.clone(), Expectation::Equals(raw)).put(
            Table::Message,
            key,
            new,
        );
        let entry = self
            .entry(visit, verb.event())
            .about(Subject::Message(message))
            .fact(Fact::Class(row.class.number()));
        self.commit_act(visit, changes, entry, None).await?;
        Ok(Changed { etag, restorable_until })
    }

    fn edit(
        &self,
        verb: Verb,
        row: &mut MessageRow,
        window: &mut Window<'_>,
    ) -> Result<(), HolderError> {
        let now = self.now();
        match verb {
            Verb::MarkRead if row.deleted.is_some() => return Err(HolderError::NoMessage),
            Verb::MarkRead => row.read = row.read.or(Some(now)),
            Verb::Delete if row.deleted.is_some() => {}
            Verb::Delete => {
                let until = now.plus_millis(self.options().restore_window_ms);
                let deletion = Deletion { at: now, until };
                window.open(deletion);
                row.deleted = Some(deletion);
            }
            Verb::Restore => {
                if let Some(deletion) = row.deleted.take() {
                    if deletion.until <= now {
                        return Err(HolderError::RestoreOver);
                    }
                    window.shut(deletion);
                }
            }
        }
        Ok(())
    }
}

/// The restore window of one message, kept in the table of what is due.
struct Window<'a> {
    changes: &'a mut Changes,
    key: &'a Bytes,
}

impl Window<'_> {
    fn open(&mut self, deletion: Deletion) {
        let due = self.due(deletion);
        self.changes.put(Table::Retention, due, Bytes::new());
    }

    fn shut(&mut self, deletion: Deletion) {
        let due = self.due(deletion);
        self.changes.delete(Table::Retention, due);
    }

    fn due(&self, deletion: Deletion) -> Bytes {
        let (at, key) = (deletion.until, self.key.clone());
        due_key(&Due { at, what: Expiring::DeletedMessage, key })
    }
}
