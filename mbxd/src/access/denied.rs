//! Why an act was not allowed.

use mbx_common::assurance::Loa;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;

/// Why [`decide`](super::decide()) gave no grant. The portal may show the reason to the person.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The person has no authority over this mailbox, or there is none: the two look alike.
    #[error("no mailbox that this person may use")]
    NotEntitled,
    /// The mailbox is the caller's own and belongs to a company or an association: who acts for one
    /// rests on the company register, which is not consulted yet. Strangers get
    /// [`Denied::NotEntitled`], as on any other mailbox.
    #[error("mailboxes of companies and associations cannot be used yet")]
    CompanyNotSupported,
    /// The person was not identified surely enough.
    #[error("this needs identification at level of assurance {needed}")]
    LevelTooLow {
        /// The lowest level that would do.
        needed: Loa,
    },
    /// The person was identified too long ago.
    #[error("this needs a fresh identification")]
    AuthenticationTooOld,
    /// The time of identification lies in the future.
    #[error("the time of identification lies in the future")]
    AuthenticationInFuture,
    /// The mailbox is suspended, and this is not allowed meanwhile.
    #[error("the mailbox is suspended")]
    Suspended,
    /// The mailbox is being closed: only export is left.
    #[error("the mailbox is being closed")]
    Closing,
}

impl Denied {
    /// Whose move it is.
    pub const fn kind(self) -> Kind {
        Kind::Denied
    }

    /// The stable code, `MBX-41nn`; it stands in problem documents and in the audit entry.
    pub const fn code(self) -> Code {
        match self {
            Self::NotEntitled => explain::NOT_ENTITLED,
            Self::CompanyNotSupported => explain::COMPANY_NOT_SUPPORTED,
            Self::LevelTooLow { .. } => explain::LEVEL_TOO_LOW,
            Self::AuthenticationTooOld => explain::AUTHENTICATION_TOO_OLD,
            Self::AuthenticationInFuture => explain::AUTHENTICATION_IN_FUTURE,
            Self::Suspended => explain::SUSPENDED,
            Self::Closing => explain::CLOSING,
        }
    }

    /// The level of assurance that would do, where the level stood against it.
    pub const fn needed_level(self) -> Option<Loa> {
        if let Self::LevelTooLow { needed } = self { Some(needed) } else { None }
    }
}
