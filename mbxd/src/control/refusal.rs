//! Why a request was refused, as the rooms tell it, turned into the code that the client sees.

use crate::jobs::JobError;
use crate::keys::{HsmState, KeysError, KeysStatus};
use crate::operators::{Denied, InitialiseError, LoginError, PasswordError, StaffError};
use crate::registers::SenderError;
use crate::trust::TrustError;
use mbx_common::control::Problem;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::id::RequestId;
use mbx_common::role::{Role, Roles};
use std::fmt::Display;

/// A refusal before it has its request's id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    /// `MBX-nnnn`.
    pub(super) code: Code,
    detail: String,
    have: Vec<Role>,
    need: Vec<Role>,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal in one sentence without a full stop.
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail, have: Vec::new(), need: Vec::new(), retry_after_s: None }
    }

    /// A failure of which a room tells the kind and a sentence.
    pub(super) fn of_kind(kind: Kind, error: &impl Display) -> Self {
        Self::new(explain::generic(kind), error.to_string())
    }

    /// The same with a time to wait.
    pub(super) const fn after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The document that the client gets.
    pub(super) fn problem(self, request: RequestId) -> Problem {
        let mut problem = Problem::new(self.code, self.detail, request);
        problem.have = self.have;
        problem.need = self.need;
        match self.retry_after_s {
            Some(seconds) => problem.retry_after_s(seconds),
            None => problem,
        }
    }

    /// A refusal by the token or the keys, seen beside the token's present state.
    pub(super) fn of_keys(error: &KeysError, status: &KeysStatus) -> Self {
        let code = match error {
            KeysError::NotInitialised => explain::NOT_INITIALISED,
            KeysError::AlreadyInitialised => explain::ALREADY_INITIALISED,
            KeysError::KeyringThere { .. } => explain::KEYRING_THERE,
            KeysError::KeyringCut { .. } => explain::KEYRING_CUT,
            KeysError::Locked => locked(status.hsm.state),
            KeysError::Custody(error) => match error.kind() {
                Kind::Unavailable => locked(status.hsm.state),
                Kind::Limit => explain::HSM_BUSY,
                Kind::Corrupt => explain::SEAL_BROKEN,
                // The one thing that a token denies.
                Kind::Denied => explain::PIN_REJECTED,
                // The one thing that it refuses for its state.
                Kind::Conflict => explain::HSM_OPEN,
                kind @ (Kind::Usage | Kind::NotFound | Kind::Internal) => explain::generic(kind),
            },
            KeysError::BatchTooLarge
            | KeysError::ForeignLookup
            | KeysError::Altered(_)
            | KeysError::Missing(_)
            | KeysError::Version { .. }
            | KeysError::Store(_)
            | KeysError::Keyring(_) => explain::generic(error.kind()),
        };
        let said = if let KeysError::Custody(error) = error {
            error.to_string()
        } else {
            error.to_string()
        };
        let detail = match (&status.hsm.cause, error) {
            (Some(cause), KeysError::Locked | KeysError::Custody(_)) => format!("{said}: {cause}"),
            _ => said,
        };
        let refusal = Self::new(code, detail);
        match error.retry_after() {
            Some(wait) if code != explain::PIN_REJECTED => refusal.after_s(wait.as_secs()),
            _ => refusal,
        }
    }
}

const fn locked(state: HsmState) -> Code {
    match state {
        HsmState::Ready | HsmState::Down => explain::HSM_UNAVAILABLE,
        HsmState::Locked => explain::HSM_LOCKED,
        HsmState::PinRejected => explain::PIN_REJECTED,
        HsmState::PinLocked => explain::PIN_LOCKED,
        HsmState::PolicyViolated => explain::HSM_POLICY,
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let text = denied.to_string();
        match denied {
            Denied::NotLoggedIn => Self::new(explain::NOT_LOGGED_IN, text),
            Denied::TimedOut | Denied::Suspended => Self::new(explain::SESSION_ENDED, text),
            Denied::PasswordDue => Self::new(explain::PASSWORD_DUE, text),
            Denied::Role { need, have } => {
                let words =
                    |roles: Roles| roles.iter().map(Role::name).collect::<Vec<_>>().join(" or ");
                let mine = if have.is_empty() {
                    "none".to_owned()
                } else {
                    words(have).replace(" or ", ", ")
                };
                let detail = format!("this needs the role {}; you have {mine}", words(need));
                Self {
                    have: have.iter().collect(),
                    need: need.iter().collect(),
                    ..Self::new(explain::ROLE_MISSING, detail)
                }
            }
            Denied::Staff(error) => Self::from(error),
        }
    }
}

impl From<StaffError> for Refusal {
    fn from(error: StaffError) -> Self {
        Self::of_kind(error.kind(), &error)
    }
}

impl From<LoginError> for Refusal {
    fn from(error: LoginError) -> Self {
        let text = error.to_string();
        match error {
            LoginError::Refused => Self::new(explain::LOGIN_REFUSED, text),
            LoginError::Delayed { retry_after_ms } => {
                Self::new(explain::LOGIN_DELAYED, text).after_s(retry_after_ms.div_ceil(1000))
            }
            LoginError::Password(error) => error.into(),
            LoginError::Staff(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        let text = error.to_string();
        match error {
            PasswordError::Wrong => Self::new(explain::LOGIN_REFUSED, text),
            PasswordError::Weak(_) => Self::new(explain::PASSWORD_REJECTED, text),
            PasswordError::Delayed { retry_after_ms } => {
                Self::new(explain::LOGIN_DELAYED, text).after_s(retry_after_ms.div_ceil(1000))
            }
            PasswordError::Hash => Self::new(explain::INTERNAL, text),
            PasswordError::Staff(error) => error.into(),
        }
    }
}

impl From<InitialiseError> for Refusal {
    fn from(error: InitialiseError) -> Self {
        let text = error.to_string();
        match error {
            InitialiseError::NotAllowed => Self::new(explain::INIT_NOT_ROOT, text),
            InitialiseError::Already => Self::new(explain::ALREADY_INITIALISED, text),
            InitialiseError::Officers | InitialiseError::SameName | InitialiseError::Name(_) => {
                Self::new(explain::INIT_OFFICERS, text)
            }
            InitialiseError::Password { name, source } => {
                let refusal = Self::from(source);
                Self { detail: format!("the password of {name}: {}", refusal.detail), ..refusal }
            }
            InitialiseError::Keys(error) => Self::of_kind(error.kind(), &error),
            InitialiseError::Staff(error) => error.into(),
        }
    }
}

impl From<JobError> for Refusal {
    fn from(error: JobError) -> Self {
        if matches!(error, JobError::Unknown) {
            return Self::new(explain::NO_JOB, error.to_string());
        }
        Self::of_kind(error.kind(), &error)
    }
}

impl From<SenderError> for Refusal {
    fn from(error: SenderError) -> Self {
        if matches!(error, SenderError::Unknown) {
            return Self::new(explain::NO_SENDER, error.to_string());
        }
        Self::of_kind(error.kind(), &error)
    }
}

impl From<TrustError> for Refusal {
    fn from(error: TrustError) -> Self {
        if error.kind() == Kind::Usage {
            return Self::new(explain::CERT_INVALID, error.to_string());
        }
        Self::of_kind(error.kind(), &error)
    }
}
