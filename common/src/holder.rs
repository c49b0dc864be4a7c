//! Who holds a mailbox, and what state the mailbox is in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What kind of holder a mailbox has (K6.3, K6.6).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolderKind {
    /// A natural person.
    Person,
    /// A person who trades under the own personal number.
    SoleTrader,
    /// A company: limited company, trading or limited partnership.
    Company,
    /// An economic association.
    Association,
}

impl HolderKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Person, Self::SoleTrader, Self::Company, Self::Association];

    /// The byte in stored rows: never reused.
    pub const fn code(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::SoleTrader => 2,
            Self::Company => 3,
            Self::Association => 4,
        }
    }

    /// The kind of a stored byte.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name in arguments, files and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::SoleTrader => "sole-trader",
            Self::Company => "company",
            Self::Association => "association",
        }
    }

    /// Whether the holder is the very person whose number the mailbox is kept under (K6.6).
    pub const fn is_natural_person(self) -> bool {
        matches!(self, Self::Person | Self::SoleTrader)
    }
}

impl fmt::Display for HolderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no kind of holder.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a holder is one of: person, sole-trader, company, association")]
pub struct UnknownHolderKind;

impl FromStr for HolderKind {
    type Err = UnknownHolderKind;

    fn from_str(text: &str) -> Result<Self, UnknownHolderKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownHolderKind)
    }
}

/// The life of a mailbox: active → suspended ⇄ active → closing → closed. Ids are never reused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailboxState {
    /// Receives and is read.
    Active,
    /// Receives nothing; read as configured.
    Suspended,
    /// Deregistered, open for export only.
    Closing,
    /// Erased; nothing opens it.
    Closed,
}

impl MailboxState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Active, Self::Suspended, Self::Closing, Self::Closed];

    /// The byte in stored rows: never reused.
    pub const fn code(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Suspended => 2,
            Self::Closing => 3,
            Self::Closed => 4,
        }
    }

    /// The state of a stored byte.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }

    /// Whether deliveries are accepted; otherwise they are answered `Delivered=false`.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Active)
    }
}

impl fmt::Display for MailboxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no state of a mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a mailbox is one of: active, suspended, closing, closed")]
pub struct UnknownMailboxState;

impl FromStr for MailboxState {
    type Err = UnknownMailboxState;

    fn from_str(text: &str) -> Result<Self, UnknownMailboxState> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(UnknownMailboxState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_read_back_and_nothing_else_does() {
        for kind in HolderKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(HolderKind::from_code(kind.code()), Some(kind));
        }
        for state in MailboxState::ALL {
            assert_eq!(MailboxState::from_code(state.code()), Some(state));
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert_eq!("Person".parse::<HolderKind>(), Err(UnknownHolderKind));
        assert_eq!("Active".parse::<MailboxState>(), Err(UnknownMailboxState));
        assert_eq!(HolderKind::from_code(0), None);
        assert_eq!(MailboxState::from_code(5), None);
    }

    #[test]
    fn only_an_active_mailbox_receives() {
        let receiving: Vec<_> =
            MailboxState::ALL.into_iter().filter(|state| state.receives()).collect();
        assert_eq!(receiving, [MailboxState::Active]);
    }
}
