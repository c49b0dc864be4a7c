//! Logging in and out, and one's own password.

use super::caller::Caller;
use super::error::{LoginError, PasswordError, StaffError};
use super::options::Options;
use super::password::{self, Hasher};
use super::row::{Operator, OperatorName, OperatorRow, SessionRow, replace};
use super::staff::{SessionInfo, Staff};
use super::throttle::{Throttle, Wait};
use super::token::SessionToken;
use crate::clock::Clock;
use crate::random;
use crate::store::{Changes, CommitError, Expectation, KeyRange, Refusals, Row, Store, Table};
use bytes::Bytes;
use mbx_common::audit::{Actor, Entry, Event, Outcome, Subject};
use mbx_common::id::SessionId;
use mbx_common::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why an attempt was not looked at, in its entry.
const DELAYED: &str = "delayed after failed attempts";

/// The staff of this installation and their sessions. Cheap to clone.
#[derive(Clone)]
pub struct Operators(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) options: Options,
    pub(super) hasher: Hasher,
    throttle: Mutex<Throttle>,
    /// Refused commands.
    pub(super) refusals: Refusals,
    /// When each session was last used. In memory, so that a command costs no write; after a
    /// restart a session counts as unused since its login. [`Operators::sweep`] forgets sessions
    /// that have ended.
    activity: Mutex<HashMap<SessionId, Timestamp>>,
}

/// Somebody has logged in.
#[derive(Debug)]
pub struct LoggedIn {
    /// What proves the session; stands here only.
    pub token: SessionToken,
    /// The session and its person.
    pub session: SessionInfo,
    /// Failed logins of this person since the last one that succeeded.
    pub failed_before: u32,
}

impl Operators {
    /// Rows read at a time.
    pub(super) const SCAN_ROWS: usize = 500;

    /// The staff in this store.
    ///
    /// # Errors
    /// [`PasswordError::Hash`] where the configured cost of a password check is out of range.
    pub fn new(store: Store, clock: Clock, options: Options) -> Result<Self, PasswordError> {
        let hasher = Hasher::new(options.cost)?;
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            options,
            hasher,
            throttle: Mutex::default(),
            refusals: Refusals::counted_as(Event::CommandsRefusedCounted),
            activity: Mutex::default(),
        })))
    }

    /// Begins a session for whoever has this name and password.
    ///
    /// A name without an account takes as long and answers alike.
    ///
    /// # Errors
    /// [`LoginError`]; the refusal is in the audit log.
    pub async fn login(
        &self,
        name: &str,
        password: SecretString,
        caller: &Caller,
    ) -> Result<LoggedIn, LoginError> {
        let name: Option<OperatorName> = name.parse().ok();
        let throttled = name.as_ref().map_or("", OperatorName::as_str);
        if let Err(wait) = self.begin_attempt(throttled, caller.uid) {
            if wait.is_first {
                self.refuse_login(None, DELAYED, caller).await?;
            }
            return Err(LoginError::Delayed { retry_after_ms: wait.ms });
        }
        let found = match &name {
            Some(name) => self.row(name).await?,
            None => None,
        };
        let stored = found.as_ref().map(|(_, row)| row.hash.clone());
        let is_right = self.0.hasher.verify(stored, password).await?;
        match found {
            Some((bytes, row)) if is_right && !row.suspended => {
                let logged_in = self.begin_session((bytes, row), caller).await?;
                self.throttle().succeeded(throttled, caller.uid);
                Ok(logged_in)
            }
            found => {
                let reason = match &found {
                    None => "no such account",
                    Some(_) if is_right => "suspended",
                    Some(_) => "wrong password",
                };
                self.refuse_login(found, reason, caller).await?;
                Err(LoginError::Refused)
            }
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`StaffError`] where it could not be written; the session goes on then.
    pub async fn logout(&self, staff: &Staff) -> Result<(), StaffError> {
        let mut changes = Changes::new();
        changes.delete(Table::OperatorSession, staff.session_key().to_vec());
        let entry = staff.origin().entry(self.0.clock.now(), Event::LoggedOut);
        self.0.store.commit(changes, entry).await?;
        self.activity().remove(&staff.session().id);
        Ok(())
    }

    /// Changes one's own password; the person's other sessions end.
    ///
    /// # Errors
    /// [`PasswordError`]; a refusal is in the audit log.
    pub async fn change_password(
        &self,
        staff: &Staff,
        old: SecretString,
        new: SecretString,
    ) -> Result<(), PasswordError> {
        let name = &staff.session().name;
        let now = self.0.clock.now();
        let person = Subject::Operator(staff.session().operator);
        let entry = staff.origin().entry(now, Event::PasswordChanged).about(person);
        if let Err(wait) = self.begin_attempt(name.as_str(), staff.caller().uid) {
            if wait.is_first {
                let entry = entry.outcome(Outcome::Refused).reason(DELAYED);
                self.note(entry).await?;
            }
            return Err(PasswordError::Delayed { retry_after_ms: wait.ms });
        }
        let (before, row) = self.row(name).await?.ok_or(StaffError::Unknown)?;
        let result = self.judge_change(&row, old, new).await;
        let hash = match result {
            Ok(hash) => hash,
            Err(error) => {
                let entry = entry.outcome(Outcome::Refused).reason(error.to_string());
                self.0.store.commit(Changes::new(), entry).await?;
                return Err(error);
            }
        };
        let after = with_password(row, hash, now, self.0.options.password_history).encode()?;
        let mut changes = Changes::new();
        replace(&mut changes, Table::Operator, &OperatorRow::key(name), (before, after));
        let mut others = self.sessions().await?;
        others
            .retain(|(key, session)| session.name == *name && key.as_ref() != staff.session_key());
        self.commit_ending(changes, entry, others).await?;
        self.throttle().succeeded(name.as_str(), staff.caller().uid);
        Ok(())
    }

    /// Every member of staff, by name.
    ///
    /// # Errors
    /// [`StaffError`] where the rows cannot be read.
    pub async fn list(&self) -> Result<Vec<Operator>, StaffError> {
        let rows = self.scan(Table::Operator).await?;
        rows.iter().map(|(_, row)| Ok(OperatorRow::decode(row)?.view())).collect()
    }

    async fn judge_change(
        &self,
        row: &OperatorRow,
        old: SecretString,
        new: SecretString,
    ) -> Result<String, PasswordError> {
        if !self.0.hasher.verify(Some(row.hash.clone()), old).await? {
            return Err(PasswordError::Wrong);
        }
        password::check(new.expose_secret(), row.name.as_str())?;
        let history = row.history.iter().take(self.0.options.password_history);
        let earlier = std::iter::once(&row.hash).chain(history).cloned().collect();
        self.0.hasher.renew(new, earlier).await
    }

    async fn begin_session(
        &self,
        (before, row): (Bytes, OperatorRow),
        caller: &Caller,
    ) -> Result<LoggedIn, StaffError> {
        let (now, options) = (self.0.clock.now(), &self.0.options);
        let token = SessionToken::generate();
        let session = SessionRow {
            id: SessionId::from_bytes(random::bytes()),
            operator: row.id,
            name: row.name.clone(),
            uid: caller.uid,
            tty: caller.tty.clone(),
            since: now,
            until: now.plus_millis(options.absolute_ms),
        };
        let failed_before = row.failed;
        let row = OperatorRow { last_login: Some(now), failed: 0, ..row };
        let mut changes = Changes::new();
        let key = OperatorRow::key(&row.name);
        replace(&mut changes, Table::Operator, &key, (before, row.encode()?));
        changes.expect(Table::OperatorSession, token.hash().to_vec(), Expectation::Absent).put(
            Table::OperatorSession,
            token.hash().to_vec(),
            session.encode()?,
        );
        let over = self.sessions_over_limit(&row).await?;
        let mut origin = caller.origin(Actor::Operator(row.id));
        origin.session = Some(session.id);
        let entry = origin.entry(now, Event::LoggedIn).about(Subject::Operator(row.id));
        self.commit_ending(changes, entry, over).await?;
        self.activity().insert(session.id, now);
        let session = SessionInfo::new(&session, &row, (now, now), options);
        Ok(LoggedIn { token, session, failed_before })
    }

    /// The oldest sessions of the person that must end so that one more keeps to the limit.
    async fn sessions_over_limit(
        &self,
        row: &OperatorRow,
    ) -> Result<Vec<(Bytes, SessionRow)>, StaffError> {
        let mut own = self.sessions().await?;
        own.retain(|(_, session)| session.operator == row.id);
        own.sort_by_key(|(_, session)| session.since);
        let over = (own.len() + 1).saturating_sub(self.0.options.sessions_max.max(1));
        own.truncate(over);
        Ok(own)
    }

    async fn refuse_login(
        &self,
        found: Option<(Bytes, OperatorRow)>,
        reason: &str,
        caller: &Caller,
    ) -> Result<(), StaffError> {
        let mut entry = caller
            .stranger()
            .entry(self.0.clock.now(), Event::LoginRefused)
            .outcome(Outcome::Refused)
            .reason(reason);
        let Some((before, row)) = found else { return self.note(entry).await };
        entry = entry.about(Subject::Operator(row.id));
        let row = OperatorRow { failed: row.failed.saturating_add(1), ..row };
        let mut changes = Changes::new();
        let key = OperatorRow::key(&row.name);
        replace(&mut changes, Table::Operator, &key, (before, row.encode()?));
        match self.0.store.commit(changes, entry.clone()).await {
            // Two attempts at once: the count may miss one, the log may not.
            Err(CommitError::Expectation { .. }) => self.note(entry).await,
            other => Ok(other.map(|_| ())?),
        }
    }

    /// Commits an act that ends these sessions: its entry names each of them.
    pub(super) async fn commit_ending(
        &self,
        mut changes: Changes,
        mut entry: Entry,
        ended: Vec<(Bytes, SessionRow)>,
    ) -> Result<(), StaffError> {
        let ids: Vec<SessionId> = ended.iter().map(|(_, session)| session.id).collect();
        for (key, session) in ended {
            changes.delete(Table::OperatorSession, key);
            entry = entry.about(Subject::Session(session.id));
        }
        self.0.store.commit(changes, entry).await?;
        let mut activity = self.activity();
        for id in &ids {
            activity.remove(id);
        }
        Ok(())
    }

    /// Commits an entry alone.
    pub(super) async fn note(&self, entry: Entry) -> Result<(), StaffError> {
        self.0.store.commit(Changes::new(), entry).await?;
        Ok(())
    }

    /// A member of staff, with the bytes of the row.
    pub(super) async fn row(
        &self,
        name: &OperatorName,
    ) -> Result<Option<(Bytes, OperatorRow)>, StaffError> {
        let found = self.0.store.get(Table::Operator, &OperatorRow::key(name)).await?;
        found.map(|bytes| Ok((bytes.clone(), OperatorRow::decode(&bytes)?))).transpose()
    }

    /// Every session with its key.
    pub(super) async fn sessions(&self) -> Result<Vec<(Bytes, SessionRow)>, StaffError> {
        let rows = self.scan(Table::OperatorSession).await?;
        rows.into_iter().map(|(key, row)| Ok((key, SessionRow::decode(&row)?))).collect()
    }

    async fn scan(&self, table: Table) -> Result<Vec<(Bytes, Bytes)>, StaffError> {
        let mut rows = Vec::new();
        let mut range = KeyRange::all();
        loop {
            let page = self.0.store.scan(table, range.clone(), Self::SCAN_ROWS).await?;
            if let Some((last, _)) = page.rows.last() {
                range.from = [last, &[0][..]].concat().into();
            }
            rows.extend(page.rows);
            if !page.more {
                return Ok(rows);
            }
        }
    }

    fn begin_attempt(&self, name: &str, uid: u32) -> Result<(), Wait> {
        let now = self.0.clock.now();
        self.throttle().begin(name, uid, now)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn activity(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.0.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The row with a new password that the person chose.
fn with_password(row: OperatorRow, hash: String, now: Timestamp, history: usize) -> OperatorRow {
    let earlier = std::iter::once(row.hash).chain(row.history).take(history).collect();
    OperatorRow { hash, history: earlier, password_set: Some(now), ..row }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operators")
    }
}
