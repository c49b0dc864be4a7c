//! The content root: one digest that fixes every content of a delivery.

use super::header::{HEADER_LEN, Header, HeaderError, TAG_LEN};
use mbx_common::error::Kind;
use mbx_common::id::write_hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 over header ‖ chunk tags of each content of a delivery, in the manifest's order, the
/// manifest's own content first.
///
/// Stands in the message row and in the audit entry of the delivery; needs no key to be computed.
/// Source: `docs/formats/mbx1.md`, "Content root".
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct ContentRoot([u8; ContentRoot::LEN]);

impl ContentRoot {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// One that was stored.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for ContentRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ContentRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One content's share of the content root: its header and its tags.
///
/// The header tells how many tags follow, so that no two lists of contents give the same bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DigestPart(Vec<u8>);

impl DigestPart {
    pub(super) fn begin(header: &Header) -> Self {
        let tags = usize::try_from(header.chunks()).unwrap_or_default().min(1 << 20);
        let mut bytes = Vec::with_capacity(tags.saturating_mul(TAG_LEN).saturating_add(HEADER_LEN));
        bytes.extend_from_slice(&header.encode());
        Self(bytes)
    }

    pub(super) fn push(&mut self, tag: &[u8; TAG_LEN]) {
        self.0.extend_from_slice(tag);
    }
}

/// The content root of contents in the manifest's order, the manifest's own first.
pub fn content_root<'a>(parts: impl IntoIterator<Item = &'a DigestPart>) -> ContentRoot {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(&part.0);
    }
    ContentRoot(hash.finalize().into())
}

/// Why stored bytes are not a whole content.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredFormError {
    /// The header cannot be read.
    #[error("cannot read the content")]
    Header(#[from] HeaderError),
    /// Fewer or more bytes than the header says.
    #[error("a content has not the length that its header says")]
    Length,
}

impl StoredFormError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Header(_) | Self::Length => Kind::Corrupt,
        }
    }
}

/// Takes the tags out of a stored content, given piece by piece. Needs no key.
#[derive(Debug)]
pub struct TagReader {
    header: Header,
    part: DigestPart,
    chunk: u64,
    tag: Vec<u8>,
    /// Ciphertext bytes before the next tag.
    before_tag: usize,
}

impl TagReader {
    /// Begins with the content's header.
    ///
    /// # Errors
    /// [`HeaderError`] where it is none.
    pub fn new(header: &[u8]) -> Result<Self, HeaderError> {
        let header = Header::decode(header)?;
        Ok(Self {
            part: DigestPart::begin(&header),
            before_tag: header.chunk_plain_len(0).unwrap_or_default(),
            chunk: 0,
            tag: Vec::with_capacity(TAG_LEN),
            header,
        })
    }

    /// Takes the stored bytes that follow.
    ///
    /// # Errors
    /// [`StoredFormError::Length`] where they go past the content's end.
    pub fn update(&mut self, mut bytes: &[u8]) -> Result<(), StoredFormError> {
        while !bytes.is_empty() {
            if self.chunk == self.header.chunks() {
                return Err(StoredFormError::Length);
            }
            let (skipped, rest) = bytes.split_at(self.before_tag.min(bytes.len()));
            self.before_tag = self.before_tag.saturating_sub(skipped.len());
            let missing = TAG_LEN.saturating_sub(self.tag.len());
            let (taken, rest) = rest.split_at(missing.min(rest.len()));
            bytes = rest;
            self.tag.extend_from_slice(taken);
            if let Ok(tag) = <[u8; TAG_LEN]>::try_from(self.tag.as_slice()) {
                self.taken(&tag);
            }
        }
        Ok(())
    }

    /// Takes the next chunk's tag alone, where what lies before it was not read.
    ///
    /// # Errors
    /// [`StoredFormError::Length`] where it is none, or there is no further chunk.
    pub fn tag(&mut self, tag: &[u8]) -> Result<(), StoredFormError> {
        let tag = <&[u8; TAG_LEN]>::try_from(tag).map_err(|_| StoredFormError::Length)?;
        if self.chunk == self.header.chunks() || !self.tag.is_empty() {
            return Err(StoredFormError::Length);
        }
        self.taken(tag);
        Ok(())
    }

    fn taken(&mut self, tag: &[u8; TAG_LEN]) {
        self.part.push(tag);
        self.tag.clear();
        self.chunk = self.chunk.saturating_add(1);
        self.before_tag = self.header.chunk_plain_len(self.chunk).unwrap_or_default();
    }

    /// The content's share of the root.
    ///
    /// # Errors
    /// [`StoredFormError::Length`] where bytes are missing.
    pub fn finish(self) -> Result<DigestPart, StoredFormError> {
        if self.chunk == self.header.chunks() {
            Ok(self.part)
        } else {
            Err(StoredFormError::Length)
        }
    }
}
