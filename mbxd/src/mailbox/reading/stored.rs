//! One content as it lies in the store. Its beginning is read once, so that a small content, which
//! is most of them, costs one read for its header, its tags and its ciphertext.

use super::error::HolderError;
use crate::cipher::{DigestPart, HEADER_LEN, Header, TagReader};
use crate::store::{ReadError, Store};
use bytes::Bytes;
use mbx_common::id::ContentId;
use mbx_common::size::wide;
use std::ops::Range;

/// Bytes that are read at first: a whole letter with its signatures, or a manifest.
const BEGINNING_LEN: u64 = 96 * 1024;

/// A content whose beginning was read.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    store: Store,
    id: ContentId,
    beginning: Bytes,
}

impl Stored {
    /// Reads the beginning of a content.
    pub(super) async fn find(store: &Store, id: ContentId) -> Result<Self, ReadError> {
        let beginning = store.content(id, 0..BEGINNING_LEN).await?;
        Ok(Self { store: store.clone(), id, beginning })
    }

    /// Its name.
    pub(super) const fn id(&self) -> ContentId {
        self.id
    }

    /// The stored header; shorter where the content is.
    pub(super) fn header(&self) -> &[u8] {
        self.beginning.get(..HEADER_LEN).unwrap_or(&self.beginning)
    }

    /// Stored bytes of a range; fewer where the content ends before.
    pub(super) async fn bytes(&self, range: Range<u64>) -> Result<Bytes, ReadError> {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.beginning.len());
        if range.end <= wide(self.beginning.len()) || self.is_whole() {
            return Ok(self.beginning.slice(place(range.start)..place(range.end)));
        }
        self.store.content(self.id, range).await
    }

    /// Header and tags, for the content root; the ciphertext between them is not looked at. Needs
    /// no key.
    pub(super) async fn digest(&self) -> Result<DigestPart, HolderError> {
        let header = Header::decode(self.header())?;
        let mut tags = TagReader::new(self.header())?;
        for chunk in 0..header.chunks() {
            let place = header.tag_range(chunk).ok_or(ReadError::Damaged)?;
            tags.tag(&self.bytes(place).await?)?;
        }
        Ok(tags.finish()?)
    }

    /// Whether nothing of it lies behind what was read.
    fn is_whole(&self) -> bool {
        wide(self.beginning.len()) < BEGINNING_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Dek, SealedContent, seal};
    use crate::store::memory::Memory;
    use crate::store::{Changes, NewContent};
    use mbx_common::audit::{Actor, Entry, Event};
    use mbx_common::time::Timestamp;
    use std::sync::Arc;

    async fn stored(plain_len: usize) -> (SealedContent, Stored) {
        let sealed = seal(&Dek::generate(), ContentId::from_bytes([7; 16]), &[&vec![1; plain_len]]);
        let store = Store::new(Arc::new(Memory::new()));
        let content = NewContent { id: sealed.id, pieces: vec![sealed.stored.clone()] };
        let entry = Entry::new(Timestamp::EPOCH, Event::DeliveryAccepted, Actor::Daemon);
        store.commit_with(Changes::new(), vec![content], entry).await.unwrap();
        let stored = Stored::find(&store, sealed.id).await.unwrap();
        (sealed, stored)
    }

    /// Lengths on both sides of what is read at first, of a chunk, and of none.
    const LENS: [usize; 6] = [0, 1, 65_536, 98_176, 98_177, 300_000];

    #[tokio::test]
    async fn the_digest_is_that_of_the_sealed_content() {
        for len in LENS {
            let (sealed, stored) = stored(len).await;
            assert_eq!(stored.digest().await.unwrap(), sealed.digest, "{len} bytes");
        }
    }

    #[tokio::test]
    async fn every_range_is_that_of_the_stored_bytes_cut_to_them() {
        for len in LENS {
            let (sealed, stored) = stored(len).await;
            let whole = sealed.stored.len();
            let borders = [0, 1, 64, 98_303, 98_304, 98_305, whole - 1, whole, whole + 9];
            for from in borders {
                for until in borders.into_iter().filter(|until| *until >= from) {
                    let bytes = stored.bytes(wide(from)..wide(until)).await.unwrap();
                    let (from, until) = (from.min(whole), until.min(whole));
                    assert_eq!(bytes, sealed.stored[from..until], "{from}..{until} of {whole}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_content_that_was_cut_short_has_no_digest() {
        let (_, mut stored) = stored(1000).await;
        stored.beginning.truncate(500);
        assert!(stored.digest().await.is_err());
    }
}
