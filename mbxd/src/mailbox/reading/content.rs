//! A delivery's contents, decrypted.

use super::error::HolderError;
use super::stored::Stored;
use crate::access::Grant;
use crate::cipher::{
    CHUNK_LEN, ContentRoot, Dek, DigestPart, HEADER_LEN, Header, Plain, Reader, TagReader,
    content_root,
};
use crate::keys::{Binding, HolderSession, OpenedKey, SealedDek};
use crate::mailbox::manifest::Manifest;
use crate::mailbox::row::MessageRow;
use crate::mailbox::service::Mailboxes;
use crate::store::{ReadError, Store};
use mbx_common::id::{ContentId, MailboxId};
use std::ops::Range;
use std::sync::Arc;

/// Chunks that are fetched and opened at a time: 256 KiB.
const CHUNKS_AT_ONCE: u64 = 4;
/// Bytes read at a time where only tags are looked at.
const SCAN_LEN: u64 = 1 << 20;

impl Mailboxes {
    /// Opens the key of the tier that a grant reaches; one call to the token, then the session's
    /// cache. No other place opens a holder's key, so nothing is read without a grant.
    pub(super) async fn unlock(
        &self,
        grant: &Grant,
        session: HolderSession,
    ) -> Result<OpenedKey, HolderError> {
        let tier = grant.tier().ok_or(HolderError::NotCovered)?;
        Ok(self.keys().unlock_tier(session, grant.mailbox(), tier).await?)
    }

    /// Proves that the stored contents are those that were delivered; gives the payload.
    pub(super) async fn check_root(
        &self,
        row: &MessageRow,
        stored: &Stored,
        manifest: &Manifest,
    ) -> Result<Option<Stored>, HolderError> {
        let mut parts = vec![stored.digest().await?];
        let mut payload = None;
        for listed in &manifest.contents {
            let content = Stored::find(self.store(), listed.id).await?;
            parts.push(content.digest().await?);
            payload.get_or_insert(content);
        }
        if content_root(&parts) == ContentRoot::from_bytes(row.content_root) {
            Ok(payload)
        } else {
            Err(HolderError::ContentRoot)
        }
    }
}

/// The manifest of a delivery as it lies in the store, verified under the DEK.
pub(super) async fn open_manifest(dek: &Dek, stored: &Stored) -> Result<Manifest, HolderError> {
    let reader = Reader::new(dek, stored.id(), stored.header())?;
    let stretch = reader.stretch(0..reader.header().plain_len());
    let plain = reader.open_stretch(&stretch, &stored.bytes(stretch.stored.clone()).await?)?;
    Ok(Manifest::decode(&plain)?)
}

/// The DEK of a message; opens only where class, delivery, place and content root are as sealed.
pub(super) fn open_dek(
    key: &OpenedKey,
    mailbox: MailboxId,
    row: &MessageRow,
) -> Result<Arc<Dek>, HolderError> {
    let binding = Binding {
        mailbox,
        epoch: row.epoch,
        delivery: row.delivery,
        message: row.id,
        class: row.class,
        place: row.place,
        root: ContentRoot::from_bytes(row.content_root),
    };
    Ok(key.open_dek(&SealedDek::from_bytes(&row.sealed_dek)?, &binding)?)
}

/// What contents in the store amount to.
pub(in crate::mailbox) struct StoredRoot {
    pub(in crate::mailbox) root: ContentRoot,
    /// Bytes that were read, as stored.
    pub(in crate::mailbox) stored_len: u64,
}

/// The content root of stored contents. Needs no key.
pub(in crate::mailbox) async fn stored_root(
    store: &Store,
    ids: &[ContentId],
) -> Result<StoredRoot, HolderError> {
    let (mut parts, mut stored_len) = (Vec::new(), 0_u64);
    for &id in ids {
        let (part, len) = stored_digest(store, id).await?;
        parts.push(part);
        stored_len = stored_len.saturating_add(len);
    }
    Ok(StoredRoot { root: content_root(&parts), stored_len })
}

async fn stored_digest(store: &Store, id: ContentId) -> Result<(DigestPart, u64), HolderError> {
    let header = store.content(id, 0..header_len()).await?;
    let whole = Header::decode(&header)?.stored_len();
    let mut tags = TagReader::new(&header)?;
    let mut at = header_len();
    while at < whole {
        let end = at.saturating_add(SCAN_LEN).min(whole);
        let piece = store.content(id, at..end).await?;
        if piece.is_empty() {
            return Err(ReadError::Damaged.into());
        }
        tags.update(&piece)?;
        at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }
    Ok((tags.finish()?, whole))
}

/// A range of one content's plaintext, opened piece by piece; nothing unverified is released.
#[derive(Debug)]
pub(super) struct PlainStream {
    stored: Stored,
    reader: Reader,
    rest: Range<u64>,
}

impl PlainStream {
    /// # Errors
    /// [`HolderError::Content`] where the stored header is another content's or none.
    pub(super) fn new(dek: &Dek, stored: Stored, range: Range<u64>) -> Result<Self, HolderError> {
        let reader = Reader::new(dek, stored.id(), stored.header())?;
        let end = range.end.min(reader.header().plain_len());
        Ok(Self { stored, reader, rest: range.start..end })
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Plain>, HolderError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let chunk = u64::try_from(CHUNK_LEN).unwrap_or(u64::MAX);
        let step = chunk.saturating_mul(CHUNKS_AT_ONCE);
        let border = (self.rest.start / step).saturating_add(1).saturating_mul(step);
        let end = border.min(self.rest.end);
        let stretch = self.reader.stretch(self.rest.start..end);
        let stored = self.stored.bytes(stretch.stored.clone()).await?;
        let plain = self.reader.open_stretch(&stretch, &stored)?;
        self.rest.start = end;
        Ok(Some(plain))
    }
}

fn header_len() -> u64 {
    u64::try_from(HEADER_LEN).unwrap_or(u64::MAX)
}
