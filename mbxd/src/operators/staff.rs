//! Who is logged in, and who was let through to do one command.

use super::caller::Caller;
use super::options::Options;
use super::row::{OperatorName, OperatorRow, SessionRow};
use mbx_common::audit::{Actor, Origin};
use mbx_common::id::{OperatorId, SessionId};
use mbx_common::role::{Role, Roles};
use mbx_common::time::Timestamp;

/// A session and its person, as `whoami` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionInfo {
    /// The session's name.
    pub id: SessionId,
    /// The person.
    pub operator: OperatorId,
    /// Login name.
    pub name: OperatorName,
    /// Roles.
    pub roles: Roles,
    /// When it began.
    pub since: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// When it ends if nothing is done.
    pub idle_until: Timestamp,
    /// Whether the password must be changed before anything else.
    pub password_due: bool,
}

impl SessionInfo {
    pub(super) fn new(
        session: &SessionRow,
        row: &OperatorRow,
        (used, now): (Timestamp, Timestamp),
        options: &Options,
    ) -> Self {
        Self {
            id: session.id,
            operator: session.operator,
            name: session.name.clone(),
            roles: row.roles(),
            since: session.since,
            until: session.until,
            idle_until: used.plus_millis(options.idle_ms).min(session.until),
            password_due: row.is_password_due(now, options.password_age_max_ms),
        }
    }
}

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
