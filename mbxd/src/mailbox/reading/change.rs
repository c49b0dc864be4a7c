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

/// A change of one message.
struct Change<'a> {
    visit: &'a Visit,
    message: MessageId,
    /// Only where the message has this tag still.
    if_match: Option<&'a str>,
    event: Event,
    verb: Verb,
}

/// Which right the change needs.
#[derive(Clone, Copy)]
enum Verb {
    Read,
    Remove,
}

impl Verb {
    const fn action(self, tier: Tier) -> Action {
        match self {
            Self::Read => Action::read(tier),
            Self::Remove => Action::remove(tier),
        }
    }
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
        let (event, verb) = (Event::MessageMarked, Verb::Read);
        let change = Change { visit, message, if_match, event, verb };
        let now = self.now();
        self.change(change, |row, _| {
            if row.deleted.is_some() {
                return Err(HolderError::NoMessage);
            }
            row.read = row.read.or(Some(now));
            Ok(())
        })
        .await
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
        let (event, verb) = (Event::MessageDeleted, Verb::Remove);
        let change = Change { visit, message, if_match, event, verb };
        let now = self.now();
        let until = now.plus_millis(self.options().restore_window_ms);
        self.change(change, |row, window| {
            if row.deleted.is_none() {
                let deletion = Deletion { at: now, until };
                window.open(deletion);
                row.deleted = Some(deletion);
            }
            Ok(())
        })
        .await
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
        let (event, verb) = (Event::MessageRestored, Verb::Remove);
        let change = Change { visit, message, if_match, event, verb };
        let now = self.now();
        self.change(change, |row, window| {
            if let Some(deletion) = row.deleted.take() {
                if deletion.until <= now {
                    return Err(HolderError::RestoreOver);
                }
                window.shut(deletion);
            }
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        change: Change<'_>,
        edit: impl FnOnce(&mut MessageRow, &mut Window<'_>) -> Result<(), HolderError>,
    ) -> Result<Changed, HolderError> {
        let visit = change.visit;
        let changed = self.try_change(change, edit).await;
        self.noting_refusal(visit, changed).await
    }

    async fn try_change(
        &self,
        change: Change<'_>,
        edit: impl FnOnce(&mut MessageRow, &mut Window<'_>) -> Result<(), HolderError>,
    ) -> Result<Changed, HolderError> {
        let visit = change.visit;
        visit.unused()?;
        let Located { key, raw, mut row } = self.locate(visit, change.message).await?;
        let action = change.verb.action(row.class.tier());
        let grant = self.grant(visit, action)?;
        if !grant.covers(grant.mailbox(), action, row.class) {
            return Err(HolderError::NotCovered);
        }
        if change.if_match.is_some_and(|tag| tag != Etag::of(&raw).to_string()) {
            return Err(HolderError::Changed);
        }
        let mut changes = Changes::new();
        edit(&mut row, &mut Window { changes: &mut changes, key: &key })?;
        let restorable_until = row.deleted.map(|deletion| deletion.until);
        let new = row.encode()?;
        let etag = Etag::of(&new);
        changes.expect(Table::Message, key.clone(), Expectation::Equals(raw)).put(
            Table::Message,
            key,
            new,
        );
        let entry = self
            .entry(visit, change.event)
            .about(Subject::Message(change.message))
            .fact(Fact::Class(row.class.number()));
        self.commit_act(visit, changes, entry, None).await?;
        Ok(Changed { etag, restorable_until })
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
