//! Which work is admitted while the disk fills up.

use super::record::Encoded;
use crate::store::error::CommitError;
use crate::store::report::Space;
use mbx_common::audit::{Entry, Event};

/// Longest unit that may come from the reserve below the second watermark.
const RESERVED_LEN_MAX: u64 = 64 * 1024;

/// Which part of the reserve is left alone, so that neither index nor file system meets a disk that
/// is really full.
const FLOOR_PART: u64 = 16;

/// The watermarks, in bytes free on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watermarks {
    pub(super) deliveries: u64,
    pub(super) writes: u64,
}

/// What a unit of work is to the disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Brings content: refused below the first watermark.
    Delivery,
    /// Changes state: refused below the second.
    Change,
    /// The trace of reading, of looking after the daemon and of freeing space: comes from the
    /// reserve below the second watermark, down to a last part of it.
    Reserve,
}

impl Class {
    /// What this unit is: known by its contents, its size and the event of its audit entry.
    pub(super) fn of(unit: &Encoded, entry: &Entry) -> Self {
        if unit.content_ids().next().is_some() {
            Self::Delivery
        } else if unit.len() <= RESERVED_LEN_MAX && from_reserve(entry.event) {
            Self::Reserve
        } else {
            Self::Change
        }
    }
}

impl Watermarks {
    /// Whether so much free space admits the unit.
    pub(super) fn admit(self, class: Class, free_bytes: u64) -> Result<(), CommitError> {
        let admitted = match class {
            Class::Delivery => free_bytes >= self.deliveries.max(self.writes),
            Class::Change => free_bytes >= self.writes,
            Class::Reserve => free_bytes >= self.writes / FLOOR_PART,
        };
        if admitted { Ok(()) } else { Err(CommitError::SpaceLow) }
    }

    /// The store's space as `status` shows it.
    pub(super) fn space(self, used_bytes: u64, free_bytes: u64) -> Space {
        Space {
            used_bytes,
            free_bytes,
            deliveries_stopped: self.admit(Class::Delivery, free_bytes).is_err(),
            writes_stopped: self.admit(Class::Change, free_bytes).is_err(),
        }
    }
}

/// Acts whose entries must not fail for want of space.
fn from_reserve(event: Event) -> bool {
    matches!(
        event,
        Event::DaemonStarted
            | Event::DaemonStopped
            | Event::ConfigurationLoaded
            | Event::ConfigurationRefused
            | Event::CertificatesLoaded
            | Event::SpaceLow
            | Event::SpaceBack
            | Event::LoggedIn
            | Event::LoginRefused
            | Event::LoggedOut
            | Event::SessionEnded
            | Event::CommandRefused
            | Event::CommandsRefusedCounted
            | Event::NumberRevealed
            | Event::NumberLookedUp
            | Event::HolderShown
            | Event::HoldersListed
            | Event::MessagesShown
            | Event::JobStarted
            | Event::MailboxVerified
            | Event::RowsExpired
            | Event::MessagesErased
            | Event::DeliveryRepeated
            | Event::MailboxViewed
            | Event::MessagesListed
            | Event::MessageOpened
            | Event::MessageMarked
            | Event::MessageDeleted
            | Event::HolderRefused
            | Event::HoldersRefusedCounted
            | Event::HolderSessionEnded
            | Event::HsmOpened
            | Event::HsmLost
            | Event::HsmTested
            | Event::HsmLocked
            | Event::PinGiven
            | Event::PinRejected
            | Event::IntegrityViolated
            | Event::CheckpointSigned
            | Event::AuditSearched
            | Event::AuditExported
            | Event::AuditVerified
    )
}
