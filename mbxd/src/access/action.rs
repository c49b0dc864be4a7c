//! What somebody may want to do with a mailbox.

use mbx_common::assurance::Tier;

/// One kind of act on a mailbox. Basic = classes 1–2, high = class 3.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// See sender, time, size, subject and part names of classes 1–2.
    ListBasic,
    /// The same of class 3.
    ListHigh,
    /// Open messages of classes 1–2 and mark them read.
    ReadBasic,
    /// The same of class 3.
    ReadHigh,
    /// Delete and restore messages of classes 1–2.
    RemoveBasic,
    /// The same of class 3.
    RemoveHigh,
    /// Change contact details and choices.
    Settings,
    /// Give another person authority (K6.7).
    Delegate,
    /// Take everything out at once (K6.10).
    Export,
    /// End the mailbox (K6.9).
    Terminate,
    /// Accept new terms (K6.2).
    AcceptTerms,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::ListBasic,
        Self::ListHigh,
        Self::ReadBasic,
        Self::ReadHigh,
        Self::RemoveBasic,
        Self::RemoveHigh,
        Self::Settings,
        Self::Delegate,
        Self::Export,
        Self::Terminate,
        Self::AcceptTerms,
    ];

    /// Listing messages of this tier.
    pub const fn list(tier: Tier) -> Self {
        match tier {
            Tier::Basic => Self::ListBasic,
            Tier::High => Self::ListHigh,
        }
    }

    /// Reading messages of this tier.
    pub const fn read(tier: Tier) -> Self {
        match tier {
            Tier::Basic => Self::ReadBasic,
            Tier::High => Self::ReadHigh,
        }
    }

    /// Deleting and restoring messages of this tier.
    pub const fn remove(tier: Tier) -> Self {
        match tier {
            Tier::Basic => Self::RemoveBasic,
            Tier::High => Self::RemoveHigh,
        }
    }

    /// The tier of the messages it touches, where it touches any.
    ///
    /// An export holds every class; ending a mailbox destroys every class.
    pub const fn tier(self) -> Option<Tier> {
        match self {
            Self::ListBasic | Self::ReadBasic | Self::RemoveBasic => Some(Tier::Basic),
            Self::ListHigh | Self::ReadHigh | Self::RemoveHigh | Self::Export | Self::Terminate => {
                Some(Tier::High)
            }
            Self::Settings | Self::Delegate | Self::AcceptTerms => None,
        }
    }

    /// Whether it gives content or metadata of class 3 away or destroys it, so that the
    /// authentication must be fresh.
    pub const fn needs_fresh_authentication(self) -> bool {
        matches!(self.tier(), Some(Tier::High)) || matches!(self, Self::Delegate)
    }

    /// Whether it leaves the mailbox as it is, but for read marks and accepted terms.
    pub const fn changes_nothing(self) -> bool {
        match self {
            Self::ListBasic
            | Self::ListHigh
            | Self::ReadBasic
            | Self::ReadHigh
            | Self::Export
            | Self::AcceptTerms => true,
            Self::RemoveBasic
            | Self::RemoveHigh
            | Self::Settings
            | Self::Delegate
            | Self::Terminate => false,
        }
    }

    /// The name in the golden table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListBasic => "list basic",
            Self::ListHigh => "list high",
            Self::ReadBasic => "read basic",
            Self::ReadHigh => "read high",
            Self::RemoveBasic => "remove basic",
            Self::RemoveHigh => "remove high",
            Self::Settings => "settings",
            Self::Delegate => "delegate",
            Self::Export => "export",
            Self::Terminate => "terminate",
            Self::AcceptTerms => "accept terms",
        }
    }
}
