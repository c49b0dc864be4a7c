//! A member of staff who was let through to do one command.

use super::caller::Caller;
use super::session::SessionInfo;
use mbx_common::audit::{Actor, Origin};
use mbx_common::role::Role;

/// A member of staff who was let through to do one command; comes from `Operators::authorise` only.
#[derive(Clone, Debug)]
pub struct Staff {
    session: SessionInfo,
    session_key: [u8; 32],
    role: Option<Role>,
    caller: Caller,
}

impl Staff {
    pub(super) const fn new(
        session: SessionInfo,
        session_key: [u8; 32],
        role: Option<Role>,
        caller: Caller,
    ) -> Self {
        Self { session, session_key, role, caller }
    }

    /// The session and its person.
    pub const fn session(&self) -> &SessionInfo {
        &self.session
    }

    /// The role that let this command through; `None` where no role was needed.
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    /// From where the command came.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The origin of the command, for the entry of the service that does it. Reason and ticket are
    /// added by the caller, where staff gave them.
    pub fn origin(&self) -> Origin {
        let mut origin = self.caller.origin(Actor::Operator(self.session.operator));
        origin.session = Some(self.session.id);
        origin.role = self.role;
        origin
    }

    /// Key of the session's row.
    pub(super) const fn session_key(&self) -> &[u8; 32] {
        &self.session_key
    }
}
