//! The first set-up: exactly once, with two named security officers.

use super::caller::Caller;
use super::error::InitialiseError;
use super::login::Operators;
use super::password;
use super::row::{Operator, OperatorName, OperatorRow};
use crate::keys::Founding;
use crate::random;
use crate::store::{Changes, CommitError, Expectation, Row, Table};
use mbx_common::audit::{Event, Fact, Outcome, Subject};
use mbx_common::id::{OperatorId, PseudonymId};
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
            let entry = entry.outcome(Outcome::Refused).reason("init: neither root nor mbxd");
            self.0.refusals.note(&self.0.store, entry).await?;
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

    /// Does the first set-up: keys and officers in one unit of work, exactly once. Who the officers
    /// are stands in side records, which the entry names by pseudonym and commitment.
    ///
    /// # Errors
    /// [`InitialiseError`]; nothing was committed. Keys that were made in the token for it stay
    /// there unused.
    pub async fn initialise(
        &self,
        officers: Vec<NewOfficer>,
        founding: &Founding,
        caller: &Caller,
    ) -> Result<Initialised, InitialiseError> {
        self.check_initialise(&officers, caller).await?;
        let now = self.0.clock.now();
        let mut changes = Changes::new();
        changes.expect(Table::Meta, MARK, Expectation::Absent).put(Table::Meta, MARK, vec![1]);
        let mut entry = caller.stranger().entry(now, Event::Initialised);
        let mut made = Vec::new();
        let count = |len: usize| Fact::Count(u64::try_from(len).unwrap_or(u64::MAX));
        entry = entry.fact(count(officers.len())).fact(count(founding.keys().len()));
        for officer in officers {
            let row = self.new_row(officer).await?;
            let side = founding.side_record(row.person, &side_record(&row.name)).await?;
            let key = OperatorRow::key(&row.name);
            changes
                .expect(Table::Operator, key.clone(), Expectation::Absent)
                .put(Table::Operator, key, row.encode()?)
                .put(Table::SideRecord, side.person.as_bytes().to_vec(), side.value);
            entry = entry
                .about(Subject::Operator(row.id))
                .about(Subject::Person(row.person))
                .fact(Fact::Commitment(side.commitment));
            made.push(row.view());
        }
        changes.append(founding.changes());
        for key in founding.keys() {
            entry = entry.about(Subject::Key(key.spec.id));
        }
        match self.0.store.commit(changes, entry).await {
            Ok(committed) => Ok(Initialised { officers: made, leaf: committed.leaf }),
            Err(CommitError::Expectation { table: Table::Meta, .. }) => {
                Err(InitialiseError::Already)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn new_row(&self, officer: NewOfficer) -> Result<OperatorRow, InitialiseError> {
        let name: OperatorName = officer.name.parse()?;
        let hash = self.0.hasher.renew(officer.password, Vec::new()).await;
        Ok(OperatorRow {
            id: OperatorId::from_bytes(random::bytes()),
            person: PseudonymId::from_bytes(random::bytes()),
            hash: hash
                .map_err(|source| InitialiseError::Password { name: name.to_string(), source })?,
            name,
            roles: officer.roles.bits(),
            history: Vec::new(),
            password_set: None,
            suspended: false,
            created: self.0.clock.now(),
            last_login: None,
            failed: 0,
        })
    }
}

/// What the side record of a member of staff says: a version byte, then the login name.
fn side_record(name: &OperatorName) -> Vec<u8> {
    [&[1], name.as_str().as_bytes()].concat()
}
