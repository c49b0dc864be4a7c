//! `POST /v1/init`: the first set-up, once. Public, but for root's and the daemon's own uid only.

use crate::id::{InstallationId, OperatorId};
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// Asks for the first set-up.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InitRequest {
    /// The two security officers, exactly two.
    pub officers: Vec<NewOfficer>,
    /// Label of the token where it is to be checked against the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// One of the first two officers. No `Debug`: it holds a password.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewOfficer {
    /// Login name: lower-case letters, digits, `-` and `_`, at most 32.
    pub name: String,
    /// Roles besides security officer, which both always have.
    pub roles: Vec<Role>,
    /// The first password; it must be changed at the first login.
    pub password: super::session::Password,
}

/// What the first set-up made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct InitDone {
    /// The installation.
    pub installation: InstallationId,
    /// The two officers.
    pub officers: Vec<Officer>,
    /// Label of the token.
    pub token: String,
    /// Labels of the keys made in the token.
    pub keys: Vec<String>,
    /// Position of the first entry of the audit log.
    pub audit: u64,
}

/// An officer that was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Officer {
    /// The person.
    pub id: OperatorId,
    /// Login name.
    pub name: String,
    /// All roles.
    pub roles: Vec<Role>,
}

impl std::fmt::Debug for InitRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InitRequest({} officers)", self.officers.len())
    }
}

impl std::fmt::Debug for NewOfficer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewOfficer({}, password redacted)", self.name)
    }
}
