//! The octets of one part, decoded on the way.

use super::content::PlainStream;
use super::error::HolderError;
use crate::mailbox::base64_text::{Decoder, NotBase64};
use bytes::Bytes;
use mbx_common::size::wide;

/// The octets of a range of one part. Pieces are wiped when they are dropped.
pub struct PartStream {
    plain: PlainStream,
    /// Where the part lies in its content as base64.
    decoder: Option<Decoder>,
    /// Octets before the range that must be dropped.
    skip: u64,
    /// Octets that are still to be given out.
    missing: u64,
}

impl PartStream {
    pub(super) const fn new(
        plain: PlainStream,
        decoder: Option<Decoder>,
        skip: u64,
        len: u64,
    ) -> Self {
        Self { plain, decoder, skip, missing: len }
    }

    /// The next octets, their chunks verified; `None` when all were given.
    ///
    /// # Errors
    /// [`HolderError::Content`] where a chunk was altered: nothing of it is released.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HolderError> {
        while self.missing > 0 {
            let Some(plain) = self.plain.next().await? else { return Err(NotBase64.into()) };
            let octets = match &mut self.decoder {
                Some(decoder) => Bytes::from_owner(decoder.push(&plain)?),
                None => Bytes::from_owner(plain),
            };
            let skipped = octets.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.skip = self.skip.saturating_sub(wide(skipped));
            let rest = octets.slice(skipped..);
            let taken = rest.len().min(usize::try_from(self.missing).unwrap_or(usize::MAX));
            if taken > 0 {
                self.missing = self.missing.saturating_sub(wide(taken));
                return Ok(Some(rest.slice(..taken)));
            }
        }
        Ok(None)
    }

    /// Octets that are still to be given out.
    pub const fn missing(&self) -> u64 {
        self.missing
    }
}

impl std::fmt::Debug for PartStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartStream").field("missing", &self.missing).finish_non_exhaustive()
    }
}
