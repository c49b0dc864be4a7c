//! What a decision rests on.

use super::action::Action;
use mbx_common::assurance::{Loa, RuleProfile};
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::MailboxId;
use mbx_common::time::Timestamp;

/// The person, as the portal's verified assertion tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identified {
    /// The mailbox kept under the person's own number, found through the authenticated directory.
    pub own_mailbox: Option<MailboxId>,
    /// How surely the person was identified.
    pub loa: Loa,
    /// When the person was identified.
    pub authenticated: Timestamp,
}

/// The mailbox that the act is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeldMailbox {
    /// Its id.
    pub id: MailboxId,
    /// What kind of holder it has.
    pub kind: HolderKind,
    /// Its state.
    pub state: MailboxState,
}

/// One attempt at an act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Who.
    pub person: Identified,
    /// On which mailbox; `None` where the named one does not exist.
    pub mailbox: Option<HeldMailbox>,
    /// What.
    pub action: Action,
    /// When.
    pub now: Timestamp,
}

/// The rules of this installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// The edition of the requirements.
    pub profile: RuleProfile,
    /// How old an identification may be for class 3 and for delegating, in milliseconds.
    pub fresh_authentication_age_max_ms: u64,
    /// How old an identification may be for anything else, in milliseconds.
    pub authentication_age_max_ms: u64,
    /// The lowest level for delegating, exporting everything and terminating; the profile's own
    /// demand holds where it is higher.
    pub grave_loa: Loa,
    /// Whether the holder may do what changes nothing while the mailbox is suspended.
    pub read_while_suspended: bool,
    /// How far the clock of an identity provider may be ahead of ours, in milliseconds.
    pub clock_skew_max_ms: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            profile: RuleProfile::Krav12,
            fresh_authentication_age_max_ms: 15 * 60_000,
            authentication_age_max_ms: 60 * 60_000,
            grave_loa: Loa::Three,
            read_while_suspended: true,
            clock_skew_max_ms: 5000,
        }
    }
}
