//! How rows of the index are written: a version byte, then postcard.

use super::error::ReadError;
use bytes::Bytes;
use mbx_common::error::Kind;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row that cannot be written or read: damaged, or of a version that is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a stored row cannot be read: damaged, or written by a newer version")]
pub struct BadRow;

impl BadRow {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        Kind::Corrupt
    }
}

impl From<BadRow> for ReadError {
    fn from(_: BadRow) -> Self {
        Self::Damaged
    }
}

/// A row with its version byte. A row of an unknown version is refused, never guessed at.
pub trait Row: DeserializeOwned + Serialize {
    /// The version that is written.
    const VERSION: u8;

    /// Writes the row.
    ///
    /// # Errors
    /// [`BadRow`] where a field cannot be written; no field of ours is of that kind.
    fn encode(&self) -> Result<Bytes, BadRow> {
        postcard::to_extend(self, vec![Self::VERSION]).map(Bytes::from).map_err(|_| BadRow)
    }

    /// Reads a row: all of the bytes, in the one spelling that [`Row::encode`] has.
    ///
    /// # Errors
    /// [`BadRow`] for anything else.
    fn decode(bytes: &[u8]) -> Result<Self, BadRow> {
        let (version, rest) = bytes.split_first().ok_or(BadRow)?;
        if *version != Self::VERSION {
            return Err(BadRow);
        }
        let row: Self = postcard::from_bytes(rest).map_err(|_| BadRow)?;
        if row.encode()? == bytes { Ok(row) } else { Err(BadRow) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Sample {
        count: u64,
        note: Option<String>,
    }

    impl Row for Sample {
        const VERSION: u8 = 3;
    }

    #[test]
    fn a_row_is_read_back_whole_and_in_one_spelling_only() {
        let row = Sample { count: 300, note: Some("å".to_owned()) };
        let bytes = row.encode().unwrap();
        assert_eq!(Sample::decode(&bytes), Ok(row));
        for len in 0..bytes.len() {
            assert_eq!(Sample::decode(&bytes[..len]), Err(BadRow));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Sample::decode(&longer), Err(BadRow));
        let padded_varint = [3, 0x81, 0x00, 0];
        assert_eq!(Sample::decode(&padded_varint), Err(BadRow));
        let mut newer = bytes.to_vec();
        newer[0] = 4;
        assert_eq!(Sample::decode(&newer), Err(BadRow));
    }
}
