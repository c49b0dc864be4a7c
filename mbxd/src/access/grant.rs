//! The proof that an act was allowed.

use super::action::Action;
use mbx_common::assurance::{Loa, ProtectionClass, Tier};
use mbx_common::id::MailboxId;

/// In which capacity the person acts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Capacity {
    /// The holder in person: natural person or sole trader (K6.6).
    Holder,
}

impl Capacity {
    /// The name in the mailbox's access log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
        }
    }
}

/// Leave to do one kind of act on one mailbox. Made by [`decide`](super::decide()) alone: its
/// fields are private to the room, it is neither cloned nor copied.
#[derive(Debug, Eq, PartialEq)]
pub struct Grant {
    pub(super) mailbox: MailboxId,
    pub(super) action: Action,
    pub(super) capacity: Capacity,
    pub(super) loa: Loa,
}

impl Grant {
    /// The mailbox it holds for.
    pub const fn mailbox(&self) -> MailboxId {
        self.mailbox
    }

    /// The act it allows.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// In which capacity the person acts.
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// At which level the person was identified.
    pub const fn loa(&self) -> Loa {
        self.loa
    }

    /// The one tier of messages that it reaches, where it reaches any.
    pub const fn tier(&self) -> Option<Tier> {
        self.action.tier()
    }

    /// Whether it allows this act on a message of this class in this mailbox.
    pub fn covers(&self, mailbox: MailboxId, action: Action, class: ProtectionClass) -> bool {
        self.mailbox == mailbox && self.action == action && self.tier() == Some(class.tier())
    }
}
