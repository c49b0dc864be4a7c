//! One type per thing that has a name, so that names cannot be swapped.
//!
//! Each is 16 bytes, random but for a moment in front where many are made, written as a type prefix and 32 lower-case hex digits (`mbx_3f…`);
//! rows hold the bare bytes. None carries personal data, so all may appear in logs and in the
//! audit log (K4.8).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Why a text is not an id of the wanted type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The type prefix is missing or another type's.
    #[error("expected an id beginning with {expected}_")]
    Prefix {
        /// The prefix that this type has.
        expected: &'static str,
    },
    /// Not exactly 32 digits after the prefix.
    #[error("expected 32 hex digits after the prefix, got {got}")]
    Length {
        /// How many bytes stood after the prefix.
        got: usize,
    },
    /// A character that is not a lower-case hex digit.
    #[error("an id has lower-case hex digits only")]
    Digit,
}

/// Writes bytes as lower-case hex digits.
///
/// # Errors
/// Only those of the formatter.
pub fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads exactly `N` bytes from `2 × N` lower-case hex digits: one value has one spelling.
///
/// # Errors
/// [`ParseIdError::Length`] or [`ParseIdError::Digit`].
pub fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseIdError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(ParseIdError::Length { got: digits.len() });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for &digit in pair {
            *byte = (*byte << 4) | nibble(digit).ok_or(ParseIdError::Digit)?;
        }
    }
    Ok(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name([u8; $name::LEN]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = 16;
            /// The prefix before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id of 16 bytes that a random source gave, or that a store kept.
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(bytes)
            }

            /// Reads an id from stored bytes; `None` unless there are exactly 16.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The 16 bytes, as stored.
            pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let digits = text
                    .strip_prefix(concat!($prefix, "_"))
                    .ok_or(ParseIdError::Prefix { expected: $prefix })?;
                parse_hex(digits).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return <[u8; Self::LEN]>::deserialize(deserializer).map(Self);
                }
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

ids! {
    /// Names one mailbox for its whole life; never reused after closure.
    MailboxId = "mbx";
    /// Names one message in one mailbox.
    MessageId = "msg";
    /// Names one delivery: one accepted SOAP call. Senders know it as `TransId`.
    DeliveryId = "dlv";
    /// Names one stored content (ciphertext); never reused, it salts the content's keys.
    ContentId = "cnt";
    /// Names one long-running job.
    JobId = "job";
    /// Names one member of staff with an mbxctl login.
    OperatorId = "opr";
    /// Names one login session of staff. A name, not the secret token that proves it.
    SessionId = "ses";
    /// Names one request, in logs, errors and the audit log; SOAP faults carry it as `CallId`.
    RequestId = "req";
    /// Names one key in the HSM: its `CKA_ID`.
    KeyId = "key";
    /// Names this installation; part of what sealed keys are bound to.
    InstallationId = "ins";
    /// Stands for a person in the audit log; its side record can be erased.
    PseudonymId = "psn";
}

impl DeliveryId {
    /// The id in the spelling of a UUID (8-4-4-4-12), as senders see it in `TransId`.
    pub fn to_uuid(self) -> String {
        uuid(&self.0)
    }
}

impl RequestId {
    /// The id in the spelling of a UUID (36 characters), as `CallId` of a SOAP fault.
    pub fn to_uuid(self) -> String {
        uuid(&self.0)
    }
}

fn uuid(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Display and `FromStr` undo each other for every value.
        #[test]
        fn display_round_trips(bytes: [u8; 16]) {
            let id = MailboxId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<MailboxId>(), Ok(id));
        }

        /// Whatever parses is spelled the one way that it is written.
        #[test]
        fn one_value_has_one_spelling(text in "mbx_[0-9a-fA-F]{30,34}") {
            if let Ok(id) = text.parse::<MailboxId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn an_id_of_another_type_is_refused() {
        let message = MessageId::from_bytes([7; 16]).to_string();
        assert_eq!(message.parse::<MailboxId>(), Err(ParseIdError::Prefix { expected: "mbx" }));
    }

    #[test]
    fn rejects_a_personal_number_without_repeating_it() {
        let error = "191212121212".parse::<MailboxId>().unwrap_err();
        assert!(!error.to_string().contains("191212121212"));
    }

    #[test]
    fn a_transid_is_a_uuid_of_the_same_bytes() {
        let id = DeliveryId::from_bytes([0xab; 16]);
        assert_eq!(id.to_uuid(), "abababab-abab-abab-abab-abababababab");
    }
}
