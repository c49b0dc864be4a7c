//! A message is opened: grant, keys, contents, audit entry, then its octets.

use super::content::{PlainStream, open_dek, open_manifest};
use super::error::HolderError;
use super::part::PartStream;
use super::stored::Stored;
use super::view::{Etag, MessageView};
use super::visit::Visit;
use crate::access::{Action, Grant};
use crate::cipher::Dek;
use crate::mailbox::base64_text::Decoder;
use crate::mailbox::manifest::{BadManifest, Manifest, Place};
use crate::mailbox::row::{MessageRow, message_parts};
use crate::mailbox::service::Mailboxes;
use crate::store::{Changes, Row as _, Table};
use bytes::Bytes;
use mbx_common::audit::{Event, Fact, Subject};
use mbx_common::id::{MailboxId, MessageId};
use std::ops::Range;
use std::sync::Arc;

/// A message's row where it stands, before anything of it was opened.
pub(super) struct Located {
    pub(super) key: Bytes,
    pub(super) raw: Bytes,
    pub(super) row: MessageRow,
}

/// An opened message: what it says, and a way to its parts.
#[derive(Debug)]
pub struct OpenedMessage {
    /// What row and manifest tell.
    pub view: MessageView,
    dek: Arc<Dek>,
    manifest: Manifest,
    place: u32,
    /// The delivery's first content, the payload, where it was looked at already.
    payload: Option<Stored>,
}

impl Mailboxes {
    /// Opens a message for reading. Its *Opened* entry is durable before anything is given out; a
    /// further call with the same assertion reads on and opens nothing anew.
    ///
    /// # Errors
    /// [`HolderError`]; a refusal leaves its entry.
    pub async fn open(
        &self,
        visit: &Visit,
        message: MessageId,
    ) -> Result<OpenedMessage, HolderError> {
        let opened = self.try_open(visit, message).await;
        self.noting_refusal(visit, opened).await
    }

    async fn try_open(
        &self,
        visit: &Visit,
        message: MessageId,
    ) -> Result<OpenedMessage, HolderError> {
        let fresh = visit.is_fresh_for(message)?;
        let located = self.locate(visit, message).await?;
        let grant = self.grant(visit, Action::read(located.row.class.tier()))?;
        let (mut opened, stored) = self.unseal(&grant, visit, &located).await?;
        if fresh {
            opened.payload = self.check_root(&located.row, &stored, &opened.manifest).await?;
            let entry = self
                .entry(visit, Event::MessageOpened)
                .about(Subject::Message(message))
                .about(Subject::Delivery(located.row.delivery))
                .fact(Fact::Class(located.row.class.number()))
                .fact(Fact::ContentRoot(located.row.content_root));
            self.commit_act(visit, Changes::new(), entry, Some(message)).await?;
        }
        Ok(opened)
    }

    /// A range of the octets of one part; 0 is the body. A range past the end is cut.
    ///
    /// # Errors
    /// [`HolderError::NoMessage`] where there is no such part.
    pub async fn read_part(
        &self,
        opened: &OpenedMessage,
        number: usize,
        range: Range<u64>,
    ) -> Result<PartStream, HolderError> {
        let message = opened.manifest.message(opened.place).ok_or(BadManifest)?;
        let part = message.part(number).ok_or(HolderError::NoMessage)?;
        let end = range.end.min(part.len);
        let len = end.saturating_sub(range.start);
        let (index, text, skip, is_base64) = match part.at {
            Place::Content { index } => (index, range.start..end, 0, false),
            Place::Base64 { start, end, lines } => {
                let middle = lines.and_then(|lines| lines.place(range.start));
                let (at, skip) = match middle {
                    Some((place, skip)) => (place, u64::try_from(skip).unwrap_or_default()),
                    None => (0, range.start),
                };
                (0, start.saturating_add(at)..end, skip, true)
            }
        };
        let content = opened.manifest.contents.get(index).ok_or(BadManifest)?;
        let stored = match &opened.payload {
            Some(payload) if payload.id() == content.id => payload.clone(),
            _ => Stored::find(self.store(), content.id).await?,
        };
        let plain = PlainStream::new(&opened.dek, stored, text)?;
        Ok(PartStream::new(plain, is_base64.then(Decoder::default), skip, len))
    }

    /// Finds a message of the visited mailbox, deleted ones too. Another mailbox's looks like none.
    pub(super) async fn locate(
        &self,
        visit: &Visit,
        message: MessageId,
    ) -> Result<Located, HolderError> {
        let place = self.store().get(Table::MessagePlace, message.as_bytes()).await?;
        let key = place.ok_or(HolderError::NoMessage)?;
        let mailbox = message_parts(&key).map(|(mailbox, _)| mailbox);
        if mailbox.is_none() || mailbox != visit.mailbox_id() {
            return Err(HolderError::NoMessage);
        }
        let raw = self.store().get(Table::Message, &key).await?.ok_or(HolderError::NoMessage)?;
        let row = MessageRow::decode(&raw)?;
        if row.id != message {
            return Err(HolderError::NoMessage);
        }
        Ok(Located { key, raw, row })
    }

    /// Opens key, DEK and manifest of a message that the grant covers; gives the manifest as it
    /// is stored too.
    async fn unseal(
        &self,
        grant: &Grant,
        visit: &Visit,
        located: &Located,
    ) -> Result<(OpenedMessage, Stored), HolderError> {
        let row = &located.row;
        if row.deleted.is_some() {
            return Err(HolderError::NoMessage);
        }
        let mailbox: MailboxId = grant.mailbox();
        let tier = row.class.tier();
        let of_this_mailbox = message_parts(&located.key).map(|(id, _)| id) == Some(mailbox);
        if !of_this_mailbox || !grant.covers(mailbox, Action::read(tier), row.class) {
            return Err(HolderError::NotCovered);
        }
        let key = self.unlock(grant, visit.session()).await?;
        let dek = open_dek(&key, mailbox, row)?;
        let stored = Stored::find(self.store(), row.manifest).await?;
        let manifest = open_manifest(&dek, &stored).await?;
        let message = manifest.message(row.place).ok_or(BadManifest)?;
        let view = MessageView::of(row, &manifest.sender.name, message, Etag::of(&located.raw));
        Ok((OpenedMessage { view, dek, place: row.place, manifest, payload: None }, stored))
    }
}
