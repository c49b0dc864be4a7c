//! The first 64 bytes of a content, and where its chunks lie.

use mbx_common::error::Kind;
use mbx_common::id::ContentId;
use std::ops::Range;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 64;
/// Plaintext bytes in every chunk but the last.
pub const CHUNK_LEN: usize = 65_536;
/// Length of a chunk's tag in bytes.
pub const TAG_LEN: usize = 32;

const MAGIC: [u8; 4] = *b"MBX1";
const CHUNK: u64 = 65_536;
const TAG: u64 = 32;
const HEADER: u64 = 64;

/// Longest plaintext: the ciphertext's length still fits in a signed 64-bit number.
const PLAIN_LEN_MAX: u64 = 1 << 62;

/// AES-256-CTR and HMAC-SHA-256 with keys from HKDF-SHA-256.
const SUITE_CTR_HMAC: u8 = 1;

/// The header of one content: names the suite, the content and its length.
///
/// Every chunk's tag covers it. Source: `docs/formats/mbx1.md`, "Header".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    content: ContentId,
    plain_len: u64,
}

/// Why bytes are no header of a content that we can read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not exactly [`HEADER_LEN`] bytes.
    #[error("a content header has 64 bytes")]
    Length,
    /// The magic is another format's.
    #[error("not a content of format MBX1")]
    Magic,
    /// A suite that this version does not know.
    #[error("the content uses suite {suite}, which is not known")]
    Suite {
        /// The suite's number.
        suite: u8,
    },
    /// A chunk size other than 65,536, a reserved byte that is not zero, or an absurd length.
    #[error("a content header is damaged")]
    Damaged,
}

impl HeaderError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Length | Self::Magic | Self::Suite { .. } | Self::Damaged => Kind::Corrupt,
        }
    }
}

/// Which chunks and which stored bytes hold a range of the plaintext.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stretch {
    /// The chunks, by number.
    pub chunks: Range<u64>,
    /// Their bytes in the stored content, tags included.
    pub stored: Range<u64>,
    /// How many plaintext bytes of the first chunk come before the range.
    pub skip: usize,
    /// How many plaintext bytes the range has, cut to the content's end.
    pub len: u64,
}

impl Header {
    /// The header of a new content; `None` where the length is beyond all reason (2⁶² bytes).
    pub const fn new(content: ContentId, plain_len: u64) -> Option<Self> {
        if plain_len > PLAIN_LEN_MAX { None } else { Some(Self { content, plain_len }) }
    }

    /// Writes the 64 bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let fields: [&[u8]; 7] = [
            &MAGIC,
            &[SUITE_CTR_HMAC],
            &[0; 3],
            &CHUNK.to_be_bytes(),
            self.content.as_bytes(),
            &self.plain_len.to_be_bytes(),
            &[0; 24],
        ];
        for (byte, field) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *byte = *field;
        }
        bytes
    }

    /// Reads the 64 bytes. One header has one spelling.
    ///
    /// # Errors
    /// [`HeaderError`] for everything that [`Header::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let bytes: &[u8; HEADER_LEN] = bytes.try_into().map_err(|_| HeaderError::Length)?;
        let [m0, m1, m2, m3, suite, _, _, _, rest @ ..] = bytes;
        if [*m0, *m1, *m2, *m3] != MAGIC {
            return Err(HeaderError::Magic);
        }
        if *suite != SUITE_CTR_HMAC {
            return Err(HeaderError::Suite { suite: *suite });
        }
        let rest = rest.get(8..).unwrap_or_default();
        let (id, rest) = rest.split_at_checked(ContentId::LEN).ok_or(HeaderError::Damaged)?;
        let (len, _) = rest.split_first_chunk().ok_or(HeaderError::Damaged)?;
        let content = ContentId::from_slice(id).ok_or(HeaderError::Damaged)?;
        let header = Self::new(content, u64::from_be_bytes(*len)).ok_or(HeaderError::Damaged)?;
        if header.encode() == *bytes { Ok(header) } else { Err(HeaderError::Damaged) }
    }

    /// The suite's number.
    pub const fn suite(&self) -> u8 {
        SUITE_CTR_HMAC
    }

    /// Which content it is.
    pub const fn content_id(&self) -> ContentId {
        self.content
    }

    /// Length of the plaintext in bytes.
    pub const fn plain_len(&self) -> u64 {
        self.plain_len
    }

    /// How many chunks there are: at least one, so that an empty content's end is authenticated.
    pub const fn chunks(&self) -> u64 {
        if self.plain_len == 0 { 1 } else { self.plain_len.div_ceil(CHUNK) }
    }

    /// Length of the stored content in bytes: header, ciphertext, tags.
    #[expect(clippy::arithmetic_side_effects, reason = "lengths are at most 2⁶², see `new`")]
    pub const fn stored_len(&self) -> u64 {
        HEADER + self.plain_len + self.chunks() * TAG
    }

    /// Whether this is the last chunk.
    pub const fn is_last(&self, chunk: u64) -> bool {
        match chunk.checked_add(1) {
            Some(next) => next == self.chunks(),
            None => false,
        }
    }

    /// Plaintext bytes of a chunk; `None` where there is no such chunk.
    #[expect(clippy::arithmetic_side_effects, reason = "the chunk exists, so the sum fits")]
    pub fn chunk_plain_len(&self, chunk: u64) -> Option<usize> {
        if chunk >= self.chunks() {
            return None;
        }
        usize::try_from((self.plain_len - chunk * CHUNK).min(CHUNK)).ok()
    }

    /// Stored bytes of a run of chunks, tags included; cut to the chunks there are.
    #[expect(clippy::arithmetic_side_effects, reason = "cut to existing chunks, so sums fit")]
    pub fn stored_range(&self, chunks: Range<u64>) -> Range<u64> {
        let place = |chunk: u64| {
            if chunk >= self.chunks() { self.stored_len() } else { HEADER + chunk * (CHUNK + TAG) }
        };
        place(chunks.start)..place(chunks.end)
    }

    /// Stored bytes of one chunk's tag, for the content root.
    #[expect(clippy::arithmetic_side_effects, reason = "a chunk is never shorter than its tag")]
    pub fn tag_range(&self, chunk: u64) -> Option<Range<u64>> {
        self.chunk_plain_len(chunk)?;
        let end = self.stored_range(chunk..chunk.saturating_add(1)).end;
        Some(end - TAG..end)
    }

    /// Maps a range of the plaintext to the chunks to fetch and open.
    ///
    /// A range is cut to the content's end; an empty range of an empty content still names its
    /// one chunk, so that the emptiness is authenticated.
    #[expect(clippy::arithmetic_side_effects, reason = "cut to the content's end, so sums fit")]
    pub fn stretch(&self, plain: Range<u64>) -> Stretch {
        let start = plain.start.min(self.plain_len);
        let end = plain.end.clamp(start, self.plain_len);
        let first = (start / CHUNK).min(self.chunks() - 1);
        let until = end.div_ceil(CHUNK).max(first + 1);
        let skip = usize::try_from(start - first * CHUNK).unwrap_or(CHUNK_LEN);
        let stored = self.stored_range(first..until);
        Stretch { chunks: first..until, stored, skip, len: end - start }
    }
}
