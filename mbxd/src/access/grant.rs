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
///
/// ```
/// use mbx_common::assurance::Loa;
/// use mbx_common::holder::{HolderKind, MailboxState};
/// use mbx_common::id::MailboxId;
/// use mbx_common::time::Timestamp;
/// use mbxd::access::{Action, Attempt, Grant, HeldMailbox, Identified, Rules, decide};
///
/// let id = MailboxId::from_bytes([1; 16]);
/// let now = Timestamp::EPOCH.plus_millis(1);
/// let attempt = Attempt {
///     person: Identified { own_mailbox: Some(id), loa: Loa::Three, authenticated: now },
///     mailbox: Some(HeldMailbox { id, kind: HolderKind::Person, state: MailboxState::Active }),
///     action: Action::ReadHigh,
///     now,
/// };
/// let grant: Grant = decide(&attempt, &Rules::default())?;
/// assert_eq!(grant.mailbox(), id);
/// # Ok::<(), mbxd::access::Denied>(())
/// ```
///
/// Nobody writes one down:
///
/// ```compile_fail,E0451
/// use mbx_common::assurance::Loa;
/// use mbx_common::id::MailboxId;
/// use mbxd::access::{Action, Capacity, Grant};
///
/// let mailbox = MailboxId::from_bytes([1; 16]);
/// let (action, capacity, loa) = (Action::ReadHigh, Capacity::Holder, Loa::Four);
/// let grant = Grant { mailbox, action, capacity, loa };
/// ```
///
/// nor makes two of one:
///
/// ```compile_fail,E0599
/// fn doubled(grant: &mbxd::access::Grant) -> mbxd::access::Grant {
///     mbxd::access::Grant::clone(grant)
/// }
/// ```
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
