//! Staff roles (K4.6). One person may hold several; nobody approves their own request.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A role of staff or of a machine identity.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees state, no personal data.
    Observer,
    /// Holders, delegations, closing (K6).
    Registrar,
    /// Backups, jobs, configuration, maintenance.
    SystemOperator,
    /// Keys, HSM, operators, incidents.
    SecurityOfficer,
    /// Audit log and compliance; changes nothing.
    Auditor,
    /// A timer or cron job: exactly the standing approvals granted to it.
    Timer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Observer,
        Self::Registrar,
        Self::SystemOperator,
        Self::SecurityOfficer,
        Self::Auditor,
        Self::Timer,
    ];

    /// The role's letter in `--officer NAME:ROLES`.
    pub const fn letter(self) -> char {
        match self {
            Self::Observer => 'O',
            Self::Registrar => 'R',
            Self::SystemOperator => 'S',
            Self::SecurityOfficer => 'K',
            Self::Auditor => 'A',
            Self::Timer => 'T',
        }
    }

    /// The role's name in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Registrar => "registrar",
            Self::SystemOperator => "system operator",
            Self::SecurityOfficer => "security officer",
            Self::Auditor => "auditor",
            Self::Timer => "timer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of roles, one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Roles(u8);

impl Roles {
    /// No role: may do what everyone logged in may.
    pub const NONE: Self = Self(0);

    /// The set with one more role.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | bit(role))
    }

    /// Whether the role is in the set.
    pub const fn has(self, role: Role) -> bool {
        self.0 & bit(role) != 0
    }

    /// The roles both sets have.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles in the set.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |&role| self.has(role))
    }

    /// The byte that stands for the set in stored rows.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads a stored byte; bits without a role are dropped.
    pub fn from_bits(bits: u8) -> Self {
        Role::ALL.into_iter().filter(|&role| bits & bit(role) != 0).collect()
    }
}

const fn bit(role: Role) -> u8 {
    match role {
        Role::Observer => 1,
        Role::Registrar => 2,
        Role::SystemOperator => 4,
        Role::SecurityOfficer => 8,
        Role::Auditor => 16,
        Role::Timer => 32,
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A letter that names no role.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "roles are letters: O observer, R registrar, S system operator, K security officer, A auditor"
)]
pub struct ParseRolesError;

impl FromStr for Roles {
    type Err = ParseRolesError;

    /// Reads letters such as `KRSA`. `T` is refused: a person is no timer.
    fn from_str(text: &str) -> Result<Self, ParseRolesError> {
        text.chars()
            .map(|letter| {
                Role::ALL
                    .into_iter()
                    .find(|&role| role.letter() == letter && role != Role::Timer)
                    .ok_or(ParseRolesError)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_name_roles_and_a_person_is_no_timer() {
        let roles: Roles = "KRSA".parse().unwrap();
        assert!(roles.has(Role::SecurityOfficer) && roles.has(Role::Auditor));
        assert!(!roles.has(Role::Observer));
        assert_eq!("T".parse::<Roles>(), Err(ParseRolesError));
        assert_eq!("k".parse::<Roles>(), Err(ParseRolesError));
    }

    #[test]
    fn bits_round_trip() {
        for bits in 0..64 {
            assert_eq!(Roles::from_bits(bits).bits(), bits);
        }
    }
}
