//! Members of staff as they are stored.

use crate::store::{Changes, Expectation, Row, Table};
use mbx_common::id::{OperatorId, PseudonymId, SessionId};
use mbx_common::role::Roles;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A login name: 1 to 32 of `a`–`z`, `0`–`9`, `-`, `_`, beginning with a letter.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct OperatorName(String);

/// A text that is no login name. Never repeats the text: people type passwords there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a login name has 1 to 32 of a-z, 0-9, - and _ and begins with a letter")]
pub struct BadName;

impl OperatorName {
    /// Longest name, in bytes.
    pub const LEN_MAX: usize = 32;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let is_of_name =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if begins && text.len() <= Self::LEN_MAX && text.chars().all(is_of_name) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName)
        }
    }
}

impl TryFrom<String> for OperatorName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<OperatorName> for String {
    fn from(name: OperatorName) -> Self {
        name.0
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member of staff, without anything secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operator {
    /// The person, as the audit log names them.
    pub id: OperatorId,
    /// Login name.
    pub name: OperatorName,
    /// Roles.
    pub roles: Roles,
    /// Whether the person may not log in at present.
    pub suspended: bool,
    /// When the account was made.
    pub created: Timestamp,
    /// When the person last logged in.
    pub last_login: Option<Timestamp>,
    /// Failed logins since then.
    pub failed: u32,
}

/// The row of a member of staff, keyed by the login name. No `Debug`: it holds password hashes.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct OperatorRow {
    pub(super) id: OperatorId,
    /// Names the person's side record of the audit log.
    pub(super) person: PseudonymId,
    pub(super) name: OperatorName,
    /// [`Roles::bits`].
    pub(super) roles: u8,
    /// Argon2id hash in PHC form, with its parameters and salt.
    pub(super) hash: String,
    /// The hashes before it, the newest first.
    pub(super) history: Vec<String>,
    /// When the password was set; `None` = by somebody else, so it must be changed.
    pub(super) password_set: Option<Timestamp>,
    pub(super) suspended: bool,
    pub(super) created: Timestamp,
    pub(super) last_login: Option<Timestamp>,
    pub(super) failed: u32,
}

impl Row for OperatorRow {
    const VERSION: u8 = 1;
}

impl OperatorRow {
    pub(super) fn roles(&self) -> Roles {
        Roles::from_bits(self.roles)
    }

    /// Whether the password must be changed before anything else.
    pub(super) fn is_password_due(&self, now: Timestamp, age_max_ms: u64) -> bool {
        self.password_set.is_none_or(|set| now.since(set) >= age_max_ms)
    }

    pub(super) fn key(name: &OperatorName) -> Vec<u8> {
        name.as_str().as_bytes().to_vec()
    }

    pub(super) fn view(&self) -> Operator {
        Operator {
            id: self.id,
            name: self.name.clone(),
            roles: self.roles(),
            suspended: self.suspended,
            created: self.created,
            last_login: self.last_login,
            failed: self.failed,
        }
    }
}

/// The row of a session, keyed by the SHA-256 of its token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct SessionRow {
    pub(super) id: SessionId,
    pub(super) operator: OperatorId,
    pub(super) name: OperatorName,
    pub(super) uid: u32,
    pub(super) tty: Option<String>,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

impl Row for SessionRow {
    const VERSION: u8 = 1;
}

/// Replaces a row by another, expecting the one that was read.
pub(super) fn replace(
    changes: &mut Changes,
    table: Table,
    key: &[u8],
    rows: (bytes::Bytes, bytes::Bytes),
) {
    let (before, after) = rows;
    changes.expect(table, key.to_vec(), Expectation::Equals(before)).put(
        table,
        key.to_vec(),
        after,
    );
}
