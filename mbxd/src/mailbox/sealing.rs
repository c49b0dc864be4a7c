//! A delivery encrypted: its contents once, its DEK for each message of each recipient.

use super::incoming::Incoming;
use super::manifest::{BadManifest, BadPart, Draft};
use crate::cipher::{ContentRoot, Dek, SealedContent, content_root, seal};
use crate::keys::{Binding, DirectoryRow, KeysError, SealedDek, seal_dek};
use crate::random;
use crate::store::NewContent;
use mbx_common::assurance::ProtectionClass;
use mbx_common::error::Kind;
use mbx_common::id::{ContentId, DeliveryId, MailboxId, MessageId};
use mbx_common::time::Timestamp;
use std::sync::Arc;
use tokio::task::{JoinError, spawn_blocking};

/// Recipients whose DEKs one blocking task seals: about ten milliseconds of work.
const RECIPIENTS_PER_TASK: usize = 64;

/// Why a delivery was not encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The door handed over parts that do not fit the payload.
    #[error(transparent)]
    Part(#[from] BadPart),
    /// The manifest cannot be written.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// A recipient's public key is none.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The daemon is stopping, or a task of ours failed.
    #[error("encrypting a delivery was broken off")]
    BrokenOff(#[from] JoinError),
}

impl SealError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Part(_) | Self::Manifest(_) => Kind::Internal,
            Self::Keys(error) => error.kind(),
            Self::BrokenOff(_) => Kind::Unavailable,
        }
    }
}

/// A delivery whose contents are encrypted under its fresh DEK.
pub(super) struct SealedDelivery {
    pub(super) delivery: DeliveryId,
    received: Timestamp,
    pub(super) class: ProtectionClass,
    pub(super) root: ContentRoot,
    /// The manifest, then the contents in its order.
    contents: Vec<SealedContent>,
    pub(super) messages: Vec<Facts>,
    dek: Dek,
}

/// What the message row tells of a message's size.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) len: u64,
    pub(super) attachments: u16,
}

/// One message as one recipient gets it.
pub(super) struct SealedMessage {
    pub(super) id: MessageId,
    pub(super) place: u32,
    pub(super) epoch: u32,
    pub(super) dek: SealedDek,
}

impl SealedDelivery {
    /// Encrypts the contents of a delivery, off the asynchronous threads.
    pub(super) async fn of(incoming: Arc<Incoming>) -> Result<Arc<Self>, SealError> {
        spawn_blocking(move || Self::seal(&incoming).map(Arc::new)).await?
    }

    fn seal(incoming: &Incoming) -> Result<Self, SealError> {
        let delivery = DeliveryId::from_bytes(random::id(incoming.received));
        let draft = Draft::of(delivery, incoming)?;
        let dek = Dek::generate();
        let manifest = zeroize::Zeroizing::new(draft.manifest.encode()?);
        let id = ContentId::from_bytes(random::id(incoming.received));
        let mut contents = vec![seal(&dek, id, &[&manifest])];
        for (listed, plain) in draft.manifest.contents.iter().zip(&draft.plain) {
            contents.push(seal(&dek, listed.id, &[plain]));
        }
        let root = content_root(contents.iter().map(|content| &content.digest));
        let messages = draft
            .manifest
            .messages
            .iter()
            .map(|message| Facts {
                len: message.len(),
                attachments: u16::try_from(message.attachments.len()).unwrap_or(u16::MAX),
            })
            .collect();
        let (class, received) = (incoming.class, incoming.received);
        Ok(Self { delivery, received, class, root, contents, messages, dek })
    }

    /// The names of the contents, the manifest first.
    pub(super) fn content_ids(&self) -> Vec<ContentId> {
        self.contents.iter().map(|content| content.id).collect()
    }

    /// The content that holds the manifest.
    pub(super) fn manifest(&self) -> Option<ContentId> {
        self.contents.first().map(|content| content.id)
    }

    /// The contents for the store; the bytes are shared, not copied.
    pub(super) fn new_contents(&self) -> Vec<NewContent> {
        self.contents
            .iter()
            .map(|content| NewContent { id: content.id, pieces: vec![content.stored.clone()] })
            .collect()
    }

    /// Seals the DEK to each recipient, once for each message, spread over blocking threads.
    /// Needs no HSM.
    pub(super) async fn for_recipients(
        self: &Arc<Self>,
        recipients: &[Arc<DirectoryRow>],
    ) -> Result<Vec<Vec<SealedMessage>>, SealError> {
        let tasks: Vec<_> = recipients
            .chunks(RECIPIENTS_PER_TASK)
            .map(|some| {
                let (this, some) = (Arc::clone(self), some.to_vec());
                spawn_blocking(move || {
                    some.iter().map(|row| this.for_recipient(row)).collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut sealed = Vec::with_capacity(recipients.len());
        for task in tasks {
            sealed.extend(task.await??);
        }
        Ok(sealed)
    }

    fn for_recipient(&self, recipient: &DirectoryRow) -> Result<Vec<SealedMessage>, KeysError> {
        let key = recipient.tier(self.class.tier());
        (0_u32..)
            .zip(&self.messages)
            .map(|(place, _)| {
                let id = MessageId::from_bytes(random::id(self.received));
                let facts = MessageFacts {
                    mailbox: recipient.mailbox,
                    epoch: key.epoch,
                    message: id,
                    place,
                };
                let dek = seal_dek(&self.dek, &key.public, &self.binding(facts))?;
                Ok(SealedMessage { id, place, epoch: key.epoch, dek })
            })
            .collect()
    }

    const fn binding(&self, facts: MessageFacts) -> Binding {
        Binding {
            mailbox: facts.mailbox,
            epoch: facts.epoch,
            delivery: self.delivery,
            message: facts.message,
            class: self.class,
            place: facts.place,
            root: self.root,
        }
    }
}

#[derive(Clone, Copy)]
struct MessageFacts {
    mailbox: MailboxId,
    epoch: u32,
    message: MessageId,
    place: u32,
}
