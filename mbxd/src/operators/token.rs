//! What proves a session: 32 random bytes that only its holder has.

use crate::random;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The secret of a session, written as 64 lower-case hex digits. Wiped on drop, no `Debug` of its
/// value; the store knows its SHA-256 only.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SessionToken([u8; SessionToken::LEN]);

/// A text that is no session token. Never repeats the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a session token: expected 64 lower-case hex digits")]
pub struct BadToken;

impl SessionToken {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A new token.
    pub(super) fn generate() -> Self {
        Self(random::bytes())
    }

    /// Reads a token as mbxctl kept it.
    ///
    /// # Errors
    /// [`BadToken`] unless there are exactly 64 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        mbx_common::id::parse_hex(text).map(Self).map_err(|_| BadToken)
    }

    /// The token as text, for its holder.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * Self::LEN));
        for byte in self.0 {
            text.extend(
                [byte >> 4, byte & 15]
                    .iter()
                    .filter_map(|&nibble| char::from_digit(u32::from(nibble), 16)),
            );
        }
        text
    }

    /// The key of the session's row. Looking up a hash tells nothing of a token by its timing.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}
