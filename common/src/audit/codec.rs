//! Bounded reading and writing of hand-laid binary fields, all integers big-endian.

use std::fmt;

/// Why bytes are not an audit entry. Never repeats what stands in them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("the entry ends too early")]
    Short,
    /// Bytes follow the last field.
    #[error("bytes follow the end of the entry")]
    Trailing,
    /// A version of the format that this program does not know.
    #[error("the entry has format version {found}, this program reads version 1")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// A field holds a value that no entry can have, or not in its one spelling.
    #[error("the entry's field \"{field}\" holds no valid value")]
    Value {
        /// Name of the field.
        field: &'static str,
    },
}

impl DecodeError {
    /// Whose move it is.
    pub const fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Short | Self::Trailing | Self::Version { .. } | Self::Value { .. } => {
                crate::error::Kind::Corrupt
            }
        }
    }
}

/// Takes fields from the front of a byte slice.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text with its length before it; refused where it is longer than `len_max` bytes.
    pub(super) fn text(
        &mut self,
        field: &'static str,
        len_max: usize,
    ) -> Result<String, DecodeError> {
        let len = usize::from(self.u16()?);
        if len > len_max {
            return Err(DecodeError::Value { field });
        }
        let (head, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.0 = rest;
        let text = std::str::from_utf8(head).map_err(|_| DecodeError::Value { field })?;
        Ok(text.to_owned())
    }

    pub(super) const fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes left)", self.0.len())
    }
}

/// Appends a text with its length before it, cut at a character border to `len_max` bytes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, len_max: usize) {
    let cut = text.floor_char_boundary(len_max.min(usize::from(u16::MAX)));
    let (kept, _) = text.split_at_checked(cut).unwrap_or((text, ""));
    put_count(out, kept.len());
    out.extend_from_slice(kept.as_bytes());
}

/// Appends a count or length of at most 65,535.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}
