//! Suspending and resuming a mailbox.

use super::error::StaffError;
use crate::keys::DirectoryRow;
use crate::mailbox::row::MailboxRow;
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, Changes, CommitError, Expectation, Row as _, Table};
use mbx_common::audit::{Event, Origin, Subject};
use mbx_common::holder::MailboxState;
use mbx_common::id::MailboxId;

/// A mailbox whose state was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StateChanged {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its state now.
    pub state: MailboxState,
    /// Position of the entry in the audit log.
    pub audit: u64,
}

impl Mailboxes {
    /// Stops deliveries to a mailbox; opened keys of it are wiped.
    ///
    /// # Errors
    /// [`StaffError::State`] unless it is active.
    pub async fn suspend(
        &self,
        mailbox: MailboxId,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let turn = Turn {
            from: MailboxState::Active,
            to: MailboxState::Suspended,
            event: Event::MailboxSuspended,
        };
        self.turn(mailbox, turn, origin).await
    }

    /// Takes deliveries again.
    ///
    /// # Errors
    /// [`StaffError::State`] unless it is suspended.
    pub async fn resume(
        &self,
        mailbox: MailboxId,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let turn = Turn {
            from: MailboxState::Suspended,
            to: MailboxState::Active,
            event: Event::MailboxResumed,
        };
        self.turn(mailbox, turn, origin).await
    }

    /// Changes the state in the mailbox's row and in the directory's, in one unit of work.
    async fn turn(
        &self,
        mailbox: MailboxId,
        turn: Turn,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let key = mailbox.as_bytes();
        let raw = self.store().get(Table::Mailbox, key).await?.ok_or(StaffError::NoMailbox)?;
        let row = MailboxRow::decode(&raw)?;
        let state = row.state().ok_or(BadRow)?;
        if state != turn.from {
            return Err(StaffError::State { state });
        }
        let found = self.directory(mailbox, &row).await?;
        let directory = DirectoryRow { state: turn.to, ..found.row };
        let value = self.keys().directory_value(&found.key, &directory)?;
        let directory_key = found.key.as_bytes().to_vec();
        let now = self.now();
        let mut changes = Changes::new();
        changes
            .expect(Table::Directory, directory_key.clone(), Expectation::Equals(found.raw))
            .put(Table::Directory, directory_key, value)
            .expect(Table::Mailbox, key.to_vec(), Expectation::Equals(raw))
            .put(Table::Mailbox, key.to_vec(), row.in_state(turn.to, now).encode()?);
        let entry = origin
            .entry(now, turn.event)
            .about(Subject::Mailbox(mailbox))
            .about(Subject::Person(row.pseudonym));
        let audit = match self.store().commit(changes, entry).await {
            Ok(committed) => committed.leaf,
            Err(CommitError::Expectation { .. }) => return Err(StaffError::Changed),
            Err(error) => return Err(error.into()),
        };
        self.keys().forget_mailbox(mailbox);
        Ok(StateChanged { mailbox, state: turn.to, audit })
    }
}

/// A change of state.
#[derive(Clone, Copy)]
struct Turn {
    from: MailboxState,
    to: MailboxState,
    event: Event,
}
