//! A delivery is taken: one unit of work, then the answer.

use super::incoming::{Incoming, Operation, Stage};
use super::manifest::BadManifest;
use super::recipients::{Fresh, Recipients};
use super::row::{
    Answer, DedupRow, DeliveryOutcome, DeliveryRow, Due, Expiring, MessageRow, arrival_key,
    due_key, message_key, sender_message_key,
};
use super::sealing::{SealError, SealedDelivery, SealedMessage};
use super::service::Mailboxes;
use crate::keys::KeysError;
use crate::store::{BadRow, Changes, CommitError, Expectation, ReadError, Row as _, Table};
use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Fact, Subject};
use mbx_common::error::Kind;
use mbx_common::id::{DeliveryId, MailboxId};
use mbx_common::size::wide;
use std::sync::Arc;
use std::time::Instant;

/// How often a delivery is tried anew because its recipients changed meanwhile.
const ATTEMPTS_MAX: usize = 5;

/// What a delivery is answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Accepted {
    /// The `TransId`.
    pub delivery: DeliveryId,
    /// `Delivered` of each recipient, in the order of the request.
    pub statuses: Vec<bool>,
    /// Whether it is a repeat, of which nothing was stored.
    pub repeated: bool,
}

/// Why a delivery was not taken. Nothing of it was stored then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The recipients cannot be found: keys locked, or a directory row was altered.
    #[error("cannot find the recipients")]
    Keys(#[from] KeysError),
    /// The store cannot read.
    #[error("cannot read the mailboxes")]
    Read(#[from] ReadError),
    /// The store cannot write.
    #[error("cannot store the delivery")]
    Commit(#[from] CommitError),
    /// It cannot be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored row is damaged.
    #[error(transparent)]
    Row(#[from] BadRow),
    /// The manifest cannot be written.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// Messages times recipients are more than one unit of work may hold.
    #[error("too many messages for so many recipients")]
    TooMany,
    /// The recipients changed again and again while it was being stored.
    #[error("the recipients' mailboxes are being changed")]
    Contended,
}

impl AcceptError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Keys(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Seal(error) => error.kind(),
            Self::Row(_) | Self::Manifest(_) => Kind::Corrupt,
            Self::TooMany => Kind::Usage,
            Self::Contended => Kind::Unavailable,
        }
    }
}

impl Mailboxes {
    /// Takes a verified delivery: encrypts it once, seals its key to each recipient, and makes
    /// content, rows, marks and audit entry durable in one unit of work before it answers.
    ///
    /// The same delivery again gets the original answer and stores nothing. Needs no HSM.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing was stored then.
    pub async fn accept(&self, incoming: Incoming) -> Result<Accepted, AcceptError> {
        let incoming = Arc::new(incoming);
        let mut sealed = None;
        for _ in 0..ATTEMPTS_MAX {
            let started = Instant::now();
            let recipients = self.resolve(&incoming).await?;
            let found = (Stage::Recipient, micros(started));
            let attempt = Attempt { mailboxes: self, incoming: &incoming, recipients, found };
            let outcome = attempt.run(&mut sealed).await;
            match outcome {
                Err(AcceptError::Commit(CommitError::Expectation { .. })) => {}
                answered => return answered,
            }
        }
        Err(AcceptError::Contended)
    }
}

/// One attempt at a delivery, its recipients as they were just read.
struct Attempt<'a> {
    mailboxes: &'a Mailboxes,
    incoming: &'a Arc<Incoming>,
    recipients: Recipients,
    found: (Stage, u64),
}

impl Attempt<'_> {
    async fn run(self, sealed: &mut Option<Arc<SealedDelivery>>) -> Result<Accepted, AcceptError> {
        if self.recipients.fresh().next().is_some() {
            return self.deliver(sealed).await;
        }
        match self.recipients.served_by() {
            Some(delivery) => self.repeat(delivery).await,
            None => self.not_deliverable().await,
        }
    }

    async fn deliver(
        &self,
        sealed: &mut Option<Arc<SealedDelivery>>,
    ) -> Result<Accepted, AcceptError> {
        let started = Instant::now();
        let sealed = if let Some(sealed) = sealed {
            Arc::clone(sealed)
        } else {
            let new = SealedDelivery::of(Arc::clone(self.incoming)).await?;
            Arc::clone(sealed.insert(new))
        };
        let fresh: Vec<&Fresh> = self.recipients.fresh().collect();
        let rows: Vec<_> = fresh.iter().map(|fresh| Arc::new(fresh.found.row.clone())).collect();
        let messages = sealed.for_recipients(&rows).await?;
        let mailboxes: Vec<MailboxId> = rows.iter().map(|row| row.mailbox).collect();
        let row = DeliveryRow {
            outcome: DeliveryOutcome::Accepted,
            answer: Some(self.answer(&sealed, mailboxes)),
            stages: self.stages(Some((Stage::Sealed, micros(started)))),
            ..self.row()
        };
        let mut entry = self
            .entry(Event::DeliveryAccepted, sealed.delivery)
            .fact(Fact::ContentRoot(*sealed.root.as_bytes()))
            .fact(Fact::Class(sealed.class.number()))
            .fact(Fact::Count(wide(fresh.len())))
            .fact(Fact::Bytes(wide(self.incoming.payload.len())));
        let mut changes = Changes::new();
        for (fresh, messages) in fresh.into_iter().zip(messages) {
            let mailbox = fresh.found.row.mailbox;
            entry = entry.about(Subject::Mailbox(mailbox));
            self.mark(&mut changes, fresh, sealed.delivery)?;
            for message in messages {
                entry = entry.about(Subject::Message(message.id));
                self.message(&mut changes, &sealed, mailbox, &message)?;
            }
        }
        if entry.subjects.len() > Entry::SUBJECTS_MAX {
            return Err(AcceptError::TooMany);
        }
        self.delivery_rows(&mut changes, sealed.delivery, &row)?;
        let started = Instant::now();
        self.mailboxes.store().commit_with(changes, sealed.new_contents(), entry).await?;
        self.mailboxes.commits().remember(sealed.delivery, micros(started));
        Ok(self.answered(sealed.delivery, false))
    }

    /// The original answer again; of the repeat nothing is kept but a count.
    async fn repeat(&self, delivery: DeliveryId) -> Result<Accepted, AcceptError> {
        let _turn = self.mailboxes.repeats().await;
        let mut changes = Changes::new();
        let key = delivery.as_bytes();
        if let Some(raw) = self.mailboxes.store().get(Table::Delivery, key).await? {
            let mut row = DeliveryRow::decode(&raw)?;
            row.repeats = row.repeats.saturating_add(1);
            row.repeated = Some(self.incoming.received);
            changes.expect(Table::Delivery, key.to_vec(), Expectation::Equals(raw));
            self.put_delivery(&mut changes, delivery, &row)?;
        }
        let entry = self
            .entry(Event::DeliveryRepeated, delivery)
            .fact(Fact::Count(wide(self.incoming.recipients.len())));
        self.mailboxes.store().commit(changes, entry).await?;
        Ok(self.answered(delivery, true))
    }

    async fn not_deliverable(&self) -> Result<Accepted, AcceptError> {
        let delivery = DeliveryId::from_bytes(crate::random::id(self.incoming.received));
        let row = self.row();
        let mut changes = Changes::new();
        self.delivery_rows(&mut changes, delivery, &row)?;
        let entry = self
            .entry(Event::DeliveryNotDeliverable, delivery)
            .fact(Fact::Count(wide(self.incoming.recipients.len())));
        self.mailboxes.store().commit(changes, entry).await?;
        Ok(self.answered(delivery, false))
    }

    fn answered(&self, delivery: DeliveryId, repeated: bool) -> Accepted {
        Accepted { delivery, statuses: self.recipients.statuses(), repeated }
    }

    fn entry(&self, event: Event, delivery: DeliveryId) -> Entry {
        let incoming = self.incoming;
        let actor = Actor::Authority(incoming.dispatcher);
        let mut entry = Entry::new(self.mailboxes.now(), event, actor)
            .request(incoming.request)
            .about(Subject::Delivery(delivery))
            .about(Subject::Organisation(incoming.sender));
        entry.peer.clone_from(&incoming.peer);
        entry
    }

    /// Expects the recipient as it was read, and marks the delivery so that a repeat is known.
    fn mark(
        &self,
        changes: &mut Changes,
        fresh: &Fresh,
        delivery: DeliveryId,
    ) -> Result<(), AcceptError> {
        let options = self.mailboxes.options();
        let window_ms = match self.incoming.operation {
            Operation::DeliverSecure => options.repeat_window_ms,
            Operation::Notify => options.notify_repeat_window_ms,
        };
        let until = self.mailboxes.now().plus_millis(window_ms);
        let mark = Bytes::copy_from_slice(&fresh.mark);
        let unmarked = fresh.outdated.clone().map_or(Expectation::Absent, Expectation::Equals);
        let due = Due { at: until, what: Expiring::Dedup, key: mark.clone() };
        let row = DedupRow { delivery, delivered: true, until };
        changes
            .expect(
                Table::Directory,
                fresh.found.key.as_bytes().to_vec(),
                Expectation::Equals(fresh.found.raw.clone()),
            )
            .expect(Table::Dedup, mark.clone(), unmarked)
            .put(Table::Dedup, mark, row.encode()?)
            .put(Table::Retention, due_key(&due), Bytes::new());
        Ok(())
    }

    fn message(
        &self,
        changes: &mut Changes,
        sealed: &SealedDelivery,
        mailbox: MailboxId,
        message: &SealedMessage,
    ) -> Result<(), AcceptError> {
        let at = usize::try_from(message.place).map_err(|_| AcceptError::TooMany)?;
        let facts = sealed.messages.get(at).ok_or(BadManifest)?;
        let row = MessageRow {
            id: message.id,
            delivery: sealed.delivery,
            place: message.place,
            class: sealed.class,
            sender: self.incoming.sender,
            received: self.incoming.received,
            len: facts.len,
            attachments: facts.attachments,
            manifest: sealed.manifest().ok_or(BadManifest)?,
            content_root: *sealed.root.as_bytes(),
            epoch: message.epoch,
            sealed_dek: message.dek.as_bytes().to_vec(),
            read: None,
            deleted: None,
        };
        let key = message_key(mailbox, self.mailboxes.next_sequence());
        changes
            .expect(Table::Message, key.clone(), Expectation::Absent)
            .put(Table::MessagePlace, message.id.as_bytes().to_vec(), key.clone())
            .put(Table::Message, key, row.encode()?);
        Ok(())
    }

    /// The row of a call that reached nobody; a delivery fills in what it stored.
    fn row(&self) -> DeliveryRow {
        let incoming = self.incoming;
        DeliveryRow {
            request: incoming.request,
            outcome: DeliveryOutcome::NotDeliverable,
            operation: incoming.operation.code(),
            sender: Some(incoming.sender),
            dispatcher: Some(incoming.dispatcher),
            received: incoming.received,
            stages: self.stages(None),
            answer: Some(Answer {
                recipients: short(incoming.recipients.len()),
                messages: short(incoming.messages.len()),
                payload_len: wide(incoming.payload.len()),
                ..Answer::default()
            }),
            refusal: None,
            calls: 1,
            repeats: 0,
            repeated: None,
        }
    }

    fn answer(&self, sealed: &SealedDelivery, mailboxes: Vec<MailboxId>) -> Answer {
        Answer {
            class: Some(sealed.class),
            recipients: short(self.incoming.recipients.len()),
            mailboxes,
            messages: short(self.incoming.messages.len()),
            payload_len: wide(self.incoming.payload.len()),
            contents: sealed.content_ids(),
            content_root: *sealed.root.as_bytes(),
        }
    }

    fn stages(&self, last: Option<(Stage, u64)>) -> Vec<(u8, u64)> {
        let before = self.incoming.stages.iter().copied();
        before.chain([self.found]).chain(last).map(|(stage, us)| (stage.code(), us)).collect()
    }

    /// The delivery, its place in the order of arrival, and the way to it from the sender's ids.
    fn delivery_rows(
        &self,
        changes: &mut Changes,
        delivery: DeliveryId,
        row: &DeliveryRow,
    ) -> Result<(), AcceptError> {
        changes.expect(Table::Delivery, delivery.as_bytes().to_vec(), Expectation::Absent);
        self.put_delivery(changes, delivery, row)?;
        for message in &self.incoming.messages {
            let mark = self.mailboxes.sender_id_mark(&message.sender_id)?;
            changes.put(Table::SenderMessage, sender_message_key(&mark, delivery), Bytes::new());
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as the step of an attempt that it is")]
    fn put_delivery(
        &self,
        changes: &mut Changes,
        delivery: DeliveryId,
        row: &DeliveryRow,
    ) -> Result<(), AcceptError> {
        changes.put(Table::Delivery, delivery.as_bytes().to_vec(), row.encode()?).put(
            Table::DeliveryByTime,
            arrival_key(row.received, delivery),
            row.arrival().encode()?,
        );
        Ok(())
    }
}

impl Mailboxes {
    /// Under what a sender's own message id is found again; the id itself is not stored in clear.
    pub(super) fn sender_id_mark(&self, sender_id: &str) -> Result<[u8; 32], KeysError> {
        self.keys().mark(&[b"sender message id", sender_id.as_bytes()])
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn short(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
