//! The first set-up: exactly once, with two named security officers.

use super::caller::Caller;
use super::error::InitialiseError;
use super::login::Operators;
use super::password;
use super::row::{Operator, OperatorName, OperatorRow};
use crate::random;
use crate::store::{Changes, CommitError, Expectation, Row, Table};
use mbx_common::audit::{Event, Fact, Outcome, Subject};
use mbx_common::id::{KeyId, OperatorId};
use mbx_common::role::{Role, Roles};
use secrecy::{ExposeSecret as _, SecretString};

/// Row of the table of installation facts that says that the set-up was done.
const MARK: &[u8] = b"operators/initialised";

/// One of the first members of staff. No `Debug`: it holds a password.
#[expect(missing_debug_implementations, reason = "it holds a password")]
pub struct NewOfficer {
    /// Login name.
    pub name: String,
    /// Roles, the security officer's among them.
    pub roles: Roles,
    /// The first password; it must be changed at the first login.
    pub password: SecretString,
}

/// What the `keys` room made for the set-up and wants committed with it.
#[derive(Clone, Debug, Default)]
pub struct NewKeys {
    /// Its rows.
    pub changes: Changes,
    /// The keys made in the token.
    pub ids: Vec<KeyId>,
}

/// What the first set-up made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Initialised {
    /// The officers, in the order given.
    pub officers: Vec<Operator>,
    /// Position of the audit entry.
    pub leaf: u64,
}

impl Operators {
    /// Officers needed, so that one can approve what the other asks for.
    const OFFICERS_MIN: usize = 2;

    /// Whether the first set-up was done.
    ///
    /// # Errors
    /// [`InitialiseError`] where the store cannot be read.
    pub async fn is_initialised(&self) -> Result<bool, InitialiseError> {
        Ok(self.0.store.get(Table::Meta, MARK).await?.is_some())
    }

    /// Checks everything that can be checked before keys are made: who asks, that it is the first
    /// time, names, number of officers, passwords.
    ///
    /// # Errors
    /// [`InitialiseError`]; nothing was done.
    pub async fn check_initialise(
        &self,
        officers: &[NewOfficer],
        caller: &Caller,
    ) -> Result<(), InitialiseError> {
        if caller.uid != 0 && caller.uid != self.0.options.daemon_uid {
            let entry = caller.stranger().entry(self.0.clock.now(), Event::CommandRefused);
            self.note(entry.outcome(Outcome::Refused).reason("init: neither root nor mbxd"))
                .await?;
            return Err(InitialiseError::NotAllowed);
        }
        if self.is_initialised().await? {
            return Err(InitialiseError::Already);
        }
        let security = officers.iter().filter(|officer| officer.roles.has(Role::SecurityOfficer));
        if security.count() < Self::OFFICERS_MIN {
            return Err(InitialiseError::Officers);
        }
        let mut names: Vec<OperatorName> = Vec::new();
        for officer in officers {
            let name: OperatorName = officer.name.parse()?;
            if names.contains(&name) {
                return Err(InitialiseError::SameName);
            }
            password::check(officer.password.expose_secret(), name.as_str()).map_err(|weak| {
                InitialiseError::Password { name: name.to_string(), source: weak.into() }
            })?;
            names.push(name);
        }
        Ok(())
    }

    /// Does the first set-up: keys and officers in one unit of work, exactly once.
    ///
    /// # Errors
    /// [`InitialiseError`]; nothing was committed. Keys that were made in the token for it stay
    /// there unused.
    pub async fn initialise(
        &self,
        officers: Vec<NewOfficer>,
        keys: NewKeys,
        caller: &Caller,
    ) -> Result<Initialised, InitialiseError> {
        self.check_initialise(&officers, caller).await?;
        let now = self.0.clock.now();
        let mut changes = keys.changes;
        changes.expect(Table::Meta, MARK, Expectation::Absent).put(Table::Meta, MARK, vec![1]);
        let mut entry = caller.stranger().entry(now, Event::Initialised);
        let mut made = Vec::new();
        for officer in officers {
            let name: OperatorName = officer.name.parse()?;
            let hash =
                self.0.hasher.renew(officer.password, Vec::new()).await.map_err(|source| {
                    InitialiseError::Password { name: name.to_string(), source }
                })?;
            let row = OperatorRow {
                id: OperatorId::from_bytes(random::bytes()),
                name,
                roles: officer.roles.bits(),
                hash,
                history: Vec::new(),
                password_set: None,
                suspended: false,
                created: now,
                last_login: None,
                failed: 0,
            };
            let key = OperatorRow::key(&row.name);
            changes.expect(Table::Operator, key.clone(), Expectation::Absent).put(
                Table::Operator,
                key,
                row.encode()?,
            );
            entry = entry.about(Subject::Operator(row.id));
            made.push(row.view());
        }
        let count = |len: usize| Fact::Count(u64::try_from(len).unwrap_or(u64::MAX));
        entry = entry.fact(count(made.len())).fact(count(keys.ids.len()));
        for id in keys.ids {
            entry = entry.about(Subject::Key(id));
        }
        match self.0.store.commit(changes, entry).await {
            Ok(committed) => Ok(Initialised { officers: made, leaf: committed.leaf }),
            Err(CommitError::Expectation { table: Table::Meta, .. }) => {
                Err(InitialiseError::Already)
            }
            Err(error) => Err(error.into()),
        }
    }
}
