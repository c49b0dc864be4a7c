//! One call of a portal for one person: who it is, which mailbox, and what it may do there.

use super::error::HolderError;
use super::view::MailboxView;
use crate::access::{Action, Attempt, Denied, Grant, HeldMailbox, Identified, decide};
use crate::keys::{HolderSession, KeysError};
use crate::mailbox::row::{Due, Expiring, JtiRow, MailboxRow, due_key};
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, Changes, CommitError, Expectation, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::Loa;
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome, Peer, Subject};
use mbx_common::error::Code;
use mbx_common::id::{MailboxId, MessageId, PseudonymId, RequestId};
use mbx_common::identity::NationalNumber;
use mbx_common::time::Timestamp;

/// What a portal's assertion says, verified by the door.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The portal, by its configured name.
    pub portal: String,
    /// Where it calls from.
    pub peer: Option<Peer>,
    /// The request.
    pub request: RequestId,
    /// Who was identified.
    pub number: NationalNumber,
    /// How surely.
    pub loa: Loa,
    /// When.
    pub authenticated: Timestamp,
    /// Whose mailbox the person wants; absent: the own one.
    pub on_behalf_of: Option<MailboxId>,
    /// The assertion itself.
    pub ticket: Ticket,
}

/// An assertion, good for one act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// SHA-256 over issuer and `jti`.
    pub id: [u8; 32],
    /// Until when it could be used.
    pub until: Timestamp,
}

/// One call of a portal, its person and mailbox found.
#[derive(Debug)]
pub struct Visit {
    caller: Caller,
    person: Identified,
    mailbox: Option<HeldMailbox>,
    pseudonym: Option<PseudonymId>,
    session: HolderSession,
    used: Option<JtiRow>,
}

impl Mailboxes {
    /// Finds person and mailbox of a call. Judges nothing yet.
    ///
    /// # Errors
    /// [`HolderError::Keys`] while recipients cannot be looked up, [`HolderError::Read`].
    pub async fn enter(&self, caller: Caller) -> Result<Visit, HolderError> {
        let used = match self.store().get(Table::Jti, &caller.ticket.id).await? {
            Some(raw) => Some(JtiRow::decode(&raw)?),
            None => None,
        };
        let own = self.keys().find(&caller.number).await?.map(|found| found.row);
        let own_id = own.as_ref().map(|row| row.mailbox);
        let own_row = match own_id {
            Some(id) => self.mailbox_row(id).await?,
            None => None,
        };
        let wanted = caller.on_behalf_of.or(own_id);
        let mut mailbox = match (wanted, &own_row) {
            (Some(id), Some(row)) if Some(id) == own_id => held(id, row)?,
            (Some(id), _) => match self.mailbox_row(id).await? {
                Some(row) => held(id, &row)?,
                None => None,
            },
            (None, _) => None,
        };
        // The directory's row is authenticated, so its word on the state is the one that counts.
        if let (Some(held), Some(own)) = (&mut mailbox, &own)
            && held.id == own.mailbox
        {
            held.state = own.state;
        }
        let person = Identified {
            own_mailbox: own_id,
            loa: caller.loa,
            authenticated: caller.authenticated,
        };
        let session = self.holder_session(&caller, wanted)?;
        let pseudonym = own_row.map(|row| row.pseudonym);
        Ok(Visit { caller, person, mailbox, pseudonym, session, used })
    }

    pub(in crate::mailbox) async fn mailbox_row(
        &self,
        id: MailboxId,
    ) -> Result<Option<MailboxRow>, crate::store::ReadError> {
        match self.store().get(Table::Mailbox, id.as_bytes()).await? {
            Some(raw) => Ok(Some(MailboxRow::decode(&raw)?)),
            None => Ok(None),
        }
    }

    /// Portal, person, mailbox, time of identification and level: whatever differs is another
    /// session, so that no opened key is shared.
    fn holder_session(
        &self,
        caller: &Caller,
        wanted: Option<MailboxId>,
    ) -> Result<HolderSession, KeysError> {
        let digest = self.keys().mark(&[
            b"holder session",
            caller.portal.as_bytes(),
            caller.number.digits(),
            wanted.as_ref().map_or(&[], |id| id.as_bytes().as_slice()),
            &caller.authenticated.as_millis().to_be_bytes(),
            &[caller.loa.number()],
        ])?;
        Ok(HolderSession::from_digest(digest))
    }

    /// Shows the mailbox and what the person may do in it.
    ///
    /// # Errors
    /// [`HolderError`]; a refusal leaves its entry.
    pub async fn view(&self, visit: &Visit) -> Result<MailboxView, HolderError> {
        let viewed = self.try_view(visit).await;
        self.noting_refusal(visit, viewed).await
    }

    async fn try_view(&self, visit: &Visit) -> Result<MailboxView, HolderError> {
        visit.unused()?;
        let grant = self.grant(visit, Action::ListBasic)?;
        let row = self.mailbox_row(grant.mailbox()).await?.ok_or(Denied::NotEntitled)?;
        let allowed =
            Action::ALL.into_iter().filter(|&action| self.grant(visit, action).is_ok()).collect();
        let held = visit.mailbox.ok_or(Denied::NotEntitled)?;
        let entry = self.entry(visit, Event::MailboxViewed);
        self.commit_act(visit, Changes::new(), entry, None).await?;
        Ok(MailboxView {
            id: held.id,
            kind: held.kind,
            state: held.state,
            registered: row.registered,
            capacity: grant.capacity(),
            allowed,
        })
    }

    /// Ends the person's session: the keys opened for it are wiped.
    ///
    /// # Errors
    /// [`HolderError`]; the keys are wiped all the same.
    pub async fn end_session(&self, visit: &Visit) -> Result<(), HolderError> {
        self.keys().end_session(visit.session);
        let ended = match visit.unused() {
            Ok(()) => {
                let entry = self.entry(visit, Event::HolderSessionEnded);
                self.commit_act(visit, Changes::new(), entry, None).await
            }
            Err(replayed) => Err(replayed),
        };
        self.noting_refusal(visit, ended).await
    }

    /// Records that a portal was refused before it was clear for whom it calls: one entry for the
    /// first of a portal and cause within a minute (`true`), a count for the others (`false`).
    ///
    /// # Errors
    /// [`CommitError`]; the portal is refused all the same.
    pub async fn refuse_portal(
        &self,
        portal: Option<&str>,
        peer: Option<Peer>,
        request: RequestId,
        code: Code,
    ) -> Result<bool, CommitError> {
        let actor = portal.map_or(Actor::Unknown, |name| Actor::Portal(name.to_owned()));
        let mut entry = Entry::new(self.now(), Event::HolderRefused, actor)
            .outcome(Outcome::Refused)
            .request(request)
            .reason(code.to_string());
        entry.peer = peer;
        self.refusals().note(self.store(), entry).await
    }

    pub(super) fn grant(&self, visit: &Visit, action: Action) -> Result<Grant, Denied> {
        let attempt =
            Attempt { person: visit.person, mailbox: visit.mailbox, action, now: self.now() };
        decide(&attempt, &self.options().rules)
    }

    /// The entry for an act of this visit.
    pub(super) fn entry(&self, visit: &Visit, event: Event) -> Entry {
        let caller = &visit.caller;
        let actor =
            visit.pseudonym.map_or_else(|| Actor::Portal(caller.portal.clone()), Actor::Person);
        let mut entry = Entry::new(self.now(), event, actor)
            .request(caller.request)
            .fact(Fact::Loa(caller.loa.number()));
        entry.peer.clone_from(&caller.peer);
        if let Some(mailbox) = visit.mailbox {
            entry = entry.about(Subject::Mailbox(mailbox.id));
        }
        entry
    }

    /// Makes an act durable together with its entry and the used assertion.
    pub(super) async fn commit_act(
        &self,
        visit: &Visit,
        mut changes: Changes,
        entry: Entry,
        opened: Option<MessageId>,
    ) -> Result<(), HolderError> {
        let ticket = visit.caller.ticket;
        put_ticket(&mut changes, ticket, opened)?;
        match self.store().commit(changes, entry).await {
            Ok(_) => Ok(()),
            Err(CommitError::Expectation { table: Table::Jti, .. }) => Err(HolderError::Replayed),
            Err(CommitError::Expectation { .. }) => Err(HolderError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the entry of a refusal; the refused assertion is used up too.
    pub(super) async fn noting_refusal<T>(
        &self,
        visit: &Visit,
        outcome: Result<T, HolderError>,
    ) -> Result<T, HolderError> {
        let Err(error) = outcome else { return outcome };
        if !error.is_refusal() {
            return Err(error);
        }
        let entry = self
            .entry(visit, Event::HolderRefused)
            .outcome(Outcome::Refused)
            .reason(error.code().to_string());
        let committed = self.commit_act(visit, Changes::new(), entry.clone(), None).await;
        match committed {
            Err(HolderError::Replayed) => {
                self.store().commit(Changes::new(), entry).await?;
            }
            committed => committed?,
        }
        Err(error)
    }
}

impl Visit {
    /// Refuses an assertion that was used before.
    pub(super) const fn unused(&self) -> Result<(), HolderError> {
        if self.used.is_none() { Ok(()) } else { Err(HolderError::Replayed) }
    }

    /// Whether the assertion is fresh (`true`), or opened this very message before (`false`).
    pub(super) fn is_fresh_for(&self, message: MessageId) -> Result<bool, HolderError> {
        match self.used {
            None => Ok(true),
            Some(JtiRow { opened: Some(opened), .. }) if opened == message => Ok(false),
            Some(_) => Err(HolderError::Replayed),
        }
    }

    pub(super) const fn session(&self) -> HolderSession {
        self.session
    }

    pub(super) const fn mailbox_id(&self) -> Option<MailboxId> {
        match self.mailbox {
            Some(held) => Some(held.id),
            None => None,
        }
    }
}

fn put_ticket(
    changes: &mut Changes,
    ticket: Ticket,
    opened: Option<MessageId>,
) -> Result<(), BadRow> {
    let key = Bytes::copy_from_slice(&ticket.id);
    let due = Due { at: ticket.until, what: Expiring::Jti, key: key.clone() };
    let row = JtiRow { until: ticket.until, opened };
    changes
        .expect(Table::Jti, key.clone(), Expectation::Absent)
        .put(Table::Jti, key, row.encode()?)
        .put(Table::Retention, due_key(&due), Bytes::new());
    Ok(())
}

fn held(id: MailboxId, row: &MailboxRow) -> Result<Option<HeldMailbox>, BadRow> {
    let kind = row.kind().ok_or(BadRow)?;
    let state = row.state().ok_or(BadRow)?;
    Ok(Some(HeldMailbox { id, kind, state }))
}
