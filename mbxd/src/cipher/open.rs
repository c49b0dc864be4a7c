//! Decrypting one content, chunk by chunk.

use super::dek::{ContentKeys, Dek};
use super::header::{Header, HeaderError, Stretch, TAG_LEN};
use super::plain::Plain;
use super::seal::keystream_at;
use super::tag::Place;
use aes::cipher::StreamCipher;
use mbx_common::error::Kind;
use mbx_common::id::ContentId;
use std::fmt;
use std::ops::Range;

/// Why a content or one of its chunks was not opened. Nothing of it was released then.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The header cannot be read.
    #[error("cannot open the content")]
    Header(#[from] HeaderError),
    /// The header is another content's.
    #[error("another content stands where this one should")]
    OtherContent,
    /// There is no chunk of this number.
    #[error("the content has no chunk {chunk}")]
    NoChunk {
        /// The number asked for.
        chunk: u64,
    },
    /// The tag does not fit: altered, moved, cut, or of another content or key.
    #[error("chunk {chunk} of a content fails its integrity check")]
    Altered {
        /// The chunk's number.
        chunk: u64,
    },
}

impl OpenError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Header(_) | Self::OtherContent | Self::Altered { .. } => Kind::Corrupt,
            Self::NoChunk { .. } => Kind::Usage,
        }
    }
}

/// Opens the chunks of one content in any order.
pub struct Reader {
    header: Header,
    keys: ContentKeys,
}

impl Reader {
    /// Reads the header of the content that must stand here.
    ///
    /// The header is authenticated by every chunk's tag; until a chunk was opened its length is a
    /// claim.
    ///
    /// # Errors
    /// [`OpenError::Header`], [`OpenError::OtherContent`].
    pub fn new(dek: &Dek, id: ContentId, header: &[u8]) -> Result<Self, OpenError> {
        let header = Header::decode(header)?;
        if header.content_id() != id {
            return Err(OpenError::OtherContent);
        }
        Ok(Self { keys: dek.content_keys(&header), header })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Which chunks and stored bytes hold a range of the plaintext.
    pub fn stretch(&self, plain: Range<u64>) -> Stretch {
        self.header.stretch(plain)
    }

    /// Opens one chunk: its stored bytes, tag included. The tag is verified before a byte is
    /// decrypted; the plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`OpenError::NoChunk`], [`OpenError::Altered`].
    pub fn open_chunk(&self, chunk: u64, stored: &[u8]) -> Result<Plain, OpenError> {
        let ciphertext = self.verify(chunk, stored)?;
        let mut plain = Plain::zeroed(ciphertext.len());
        plain.copy_from_slice(ciphertext);
        self.decrypt(chunk, 0, &mut plain)?;
        Ok(plain)
    }

    /// Opens every chunk of a stretch whose stored bytes were fetched, and gives the plaintext
    /// range that it was made for. For ranges that fit in memory.
    ///
    /// # Errors
    /// As [`Reader::open_chunk`]; nothing is given where one chunk fails.
    pub fn open_stretch(&self, stretch: &Stretch, stored: &[u8]) -> Result<Plain, OpenError> {
        let missing = OpenError::Altered { chunk: stretch.chunks.end };
        let len = usize::try_from(stretch.len).ok().filter(|len| *len <= stored.len());
        let mut plain = Plain::zeroed(len.ok_or(missing)?);
        let mut unfilled = &mut plain[..];
        let mut rest = stored;
        let mut skip = stretch.skip;
        for chunk in stretch.chunks.clone() {
            let plain_len =
                self.header.chunk_plain_len(chunk).ok_or(OpenError::NoChunk { chunk })?;
            let (bytes, after) = rest
                .split_at_checked(plain_len.saturating_add(TAG_LEN))
                .ok_or(OpenError::Altered { chunk })?;
            rest = after;
            let ciphertext = self.verify(chunk, bytes)?.get(skip..).unwrap_or_default();
            let taken = ciphertext.len().min(unfilled.len());
            let (place, others) = unfilled.split_at_mut(taken);
            place.copy_from_slice(ciphertext.get(..taken).unwrap_or_default());
            self.decrypt(chunk, skip, place)?;
            unfilled = others;
            skip = 0;
        }
        if rest.is_empty() && unfilled.is_empty() { Ok(plain) } else { Err(missing) }
    }

    /// The ciphertext of a chunk whose tag fits.
    fn verify<'a>(&self, chunk: u64, stored: &'a [u8]) -> Result<&'a [u8], OpenError> {
        let plain_len = self.header.chunk_plain_len(chunk).ok_or(OpenError::NoChunk { chunk })?;
        let altered = OpenError::Altered { chunk };
        let (ciphertext, tag) = stored.split_at_checked(plain_len).ok_or(altered)?;
        let place = Place { number: chunk, last: self.header.is_last(chunk) };
        let fits = tag.len() == TAG_LEN && self.keys.mac.verify(place, ciphertext, tag);
        if fits { Ok(ciphertext) } else { Err(altered) }
    }

    /// Decrypts verified bytes that begin `skip` bytes into their chunk, where they lie.
    fn decrypt(&self, chunk: u64, skip: usize, bytes: &mut [u8]) -> Result<(), OpenError> {
        let stream = keystream_at(&self.keys.cipher, chunk, skip);
        stream.ok_or(OpenError::NoChunk { chunk })?.apply_keystream(bytes);
        Ok(())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("header", &self.header).finish_non_exhaustive()
    }
}
