//! `/v1/session`: logging in, who I am, the password.

use crate::id::{OperatorId, SessionId};
use crate::role::Role;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password, PIN or session token on its way. Wiped on drop; its value has no `Debug`.
#[derive(Clone, Deserialize, Serialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Takes a secret text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for hashing or for the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// `POST /v1/session`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: Password,
    /// A new password, where the old one must be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_password: Option<Password>,
}

/// A session begun. The token stands here only.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoggedIn {
    /// What proves the session: sent as `Authorization: Bearer …`.
    pub token: Password,
    /// The session and its person.
    pub session: Session,
}

/// `GET /v1/session`: who I am.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// The session's name.
    pub id: SessionId,
    /// The person.
    pub operator: OperatorId,
    /// Login name.
    pub name: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// When it began.
    pub since: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// When it ends if nothing is done.
    pub idle_until: Timestamp,
    /// Whether the password must be changed before anything else.
    pub password_due: bool,
}

/// `PUT /v1/session/password`: one's own password.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The present password.
    pub old: Password,
    /// The next one.
    pub new: Password,
}
