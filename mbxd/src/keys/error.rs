//! Why the keys room did not do what was asked.

use crate::hsm::CustodyError;
use crate::store::ReadError;
use crate::store::records::RecordsError;
use mbx_common::error::Kind;
use std::fmt;
use std::time::Duration;

/// Why a key, or what lies under one, could not be made, found or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// `init` was never run here.
    #[error("this installation is not initialised")]
    NotInitialised,
    /// `init` was run here before.
    #[error("this installation is initialised already")]
    AlreadyInitialised,
    /// The HSM was not unlocked since the start, and what was asked for needs it.
    #[error("the keys are locked: the HSM was not unlocked since the start")]
    Locked,
    /// The lookup secret that a credential gave is not the one of this installation.
    #[error("the lookup credential is not the one of this installation")]
    ForeignLookup,
    /// More than [`super::BATCH_MAX`] mailboxes in one batch.
    #[error("too many mailboxes in one batch")]
    BatchTooLarge,
    /// Something stored fails its integrity check: altered, moved, or of another installation.
    #[error("{0} fails its integrity check")]
    Altered(Thing),
    /// Something that must be stored is not there.
    #[error("{0} is missing")]
    Missing(Thing),
    /// Written by a later version of this program, or damaged in its first byte.
    #[error("{thing} has the unknown format version {version}")]
    Version {
        /// What it is.
        thing: Thing,
        /// The version it names.
        version: u8,
    },
    /// A keyring lies where `init` or this installation's own would have to go.
    #[error("{file} is the keyring of an installation whose store is not here")]
    KeyringThere {
        /// The file, in the state folder.
        file: String,
    },
    /// The keyring ends before what the store rests on.
    #[error(
        "the keyring ends at byte {end}, but {in_use} bytes of it are in use: it was cut, or an \
         older copy was put in its place"
    )]
    KeyringCut {
        /// Where its last whole batch ends.
        end: u64,
        /// Length that the store knows to be in use.
        in_use: u64,
    },
    /// The HSM.
    #[error("cannot use the HSM")]
    Custody(#[from] CustodyError),
    /// The store.
    #[error("cannot read the key records")]
    Store(#[from] ReadError),
    /// The keyring file.
    #[error("cannot use the keyring")]
    Keyring(#[from] RecordsError),
}

impl KeysError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotInitialised | Self::Locked => Kind::Unavailable,
            Self::AlreadyInitialised | Self::KeyringThere { .. } => Kind::Conflict,
            Self::BatchTooLarge | Self::ForeignLookup => Kind::Usage,
            Self::Altered(_)
            | Self::KeyringCut { .. }
            | Self::Missing(_)
            | Self::Version { .. } => Kind::Corrupt,
            Self::Custody(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Keyring(error) => error.kind(),
        }
    }

    /// How long a caller should wait before trying again, where that can help.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Custody(error) => error.retry_after(),
            Self::NotInitialised | Self::Locked => Some(Duration::from_mins(1)),
            Self::AlreadyInitialised
            | Self::BatchTooLarge
            | Self::ForeignLookup
            | Self::Altered(_)
            | Self::Missing(_)
            | Self::Version { .. }
            | Self::KeyringThere { .. }
            | Self::KeyringCut { .. }
            | Self::Store(_)
            | Self::Keyring(_) => None,
        }
    }
}

/// What was found altered or missing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Thing {
    /// The row that names this installation.
    Installation,
    /// The row that tells the lookup secret from others.
    LookupCheck,
    /// The row that tells the register secret from others.
    RegisterCheck,
    /// A row of the table of keys.
    KeyRow,
    /// A root secret.
    RootSecret,
    /// A row of the delivery directory.
    DirectoryRow,
    /// The keys of a mailbox.
    MailboxKeys,
    /// The keyring's file.
    Keyring,
    /// The row that says how much of the keyring is in use.
    KeyringLen,
    /// A record of the keyring, or the life secret in it.
    LifeSecret,
    /// A register record.
    RegisterRecord,
    /// A side record of the audit log.
    SideRecord,
    /// A sealed DEK.
    SealedDek,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installation => "the installation's row",
            Self::LookupCheck => "the row that the lookup secret is checked by",
            Self::RegisterCheck => "the row that the register secret is checked by",
            Self::KeyRow => "a row of the key table",
            Self::RootSecret => "a root secret",
            Self::DirectoryRow => "a row of the delivery directory",
            Self::MailboxKeys => "a mailbox's keys",
            Self::Keyring => "the keyring's file",
            Self::KeyringLen => "the row that says how much of the keyring is in use",
            Self::LifeSecret => "a life secret",
            Self::RegisterRecord => "a register record",
            Self::SideRecord => "a side record of the audit log",
            Self::SealedDek => "a sealed DEK",
        })
    }
}
