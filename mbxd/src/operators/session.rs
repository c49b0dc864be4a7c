//! Sessions: letting commands through, time-outs, suspension.

use super::caller::Caller;
use super::error::{Denied, StaffError};
use super::login::Operators;
use super::options::Options;
use super::permission::{Need, Permission};
use super::row::{OperatorName, OperatorRow, SessionRow, replace};
use super::staff::{SessionInfo, Staff};
use super::token::SessionToken;
use crate::store::{Changes, CommitError, Expectation, Row, Table};
use mbx_common::audit::{Actor, Event, Origin, Outcome, Subject};
use mbx_common::role::Role;
use mbx_common::time::Timestamp;
use std::collections::HashSet;

impl Operators {
    /// Lets a command through, or says why not.
    ///
    /// The session must be this uid's and this terminal's and not timed out, its person not
    /// suspended, the password not overdue, and one of the person's roles must be among those
    /// that the command needs. Everything else is refused.
    ///
    /// # Errors
    /// [`Denied`]; the refusal is in the audit log: the first of an actor and cause within a
    /// minute as its own entry, the others counted into one.
    pub async fn authorise(
        &self,
        token: Option<&SessionToken>,
        permission: Permission,
        caller: &Caller,
    ) -> Result<Staff, Denied> {
        let Some((key, session)) = self.session_of(token).await? else {
            return self.refuse(permission, caller.stranger(), Denied::NotLoggedIn).await;
        };
        if session.uid != caller.uid || session.tty != caller.tty {
            return self.refuse(permission, caller.stranger(), Denied::NotLoggedIn).await;
        }
        let now = self.0.clock.now();
        let used = self.activity().get(&session.id).copied().unwrap_or(session.since);
        if let Some(reason) = time_out(&session, used, now, &self.0.options) {
            self.end(&key, &session, reason).await?;
            return Err(Denied::TimedOut);
        }
        let row = self.row(&session.name).await?.map(|(_, row)| row);
        let Some(row) = row.filter(|row| !row.suspended && row.id == session.operator) else {
            self.end(&key, &session, "suspended").await?;
            return Err(Denied::Suspended);
        };
        self.activity().insert(session.id, now);
        let info = SessionInfo::new(&session, &row, (now, now), &self.0.options);
        let mut origin = caller.origin(Actor::Operator(row.id));
        origin.session = Some(session.id);
        match judge(permission.need, &info) {
            Ok(role) => Ok(Staff::new(info, key, role, caller.clone())),
            Err(denied) => self.refuse(permission, origin, denied).await,
        }
    }

    /// Ends every session that has timed out, forgets when ended ones were last used, and writes
    /// how many refusals were counted; the daemon calls it each minute.
    ///
    /// # Errors
    /// [`StaffError`] where rows cannot be read or written.
    pub async fn sweep(&self) -> Result<usize, StaffError> {
        let ended = self.end_timed_out().await;
        self.flush_refusals(false).await?;
        ended
    }

    async fn end_timed_out(&self) -> Result<usize, StaffError> {
        let now = self.0.clock.now();
        let sessions = self.sessions().await?;
        // One that began since counts as used at its login, which is now.
        let open: HashSet<_> = sessions.iter().map(|(_, session)| session.id).collect();
        self.activity().retain(|id, _| open.contains(id));
        let mut count = 0;
        for (key, session) in sessions {
            let used = self.activity().get(&session.id).copied().unwrap_or(session.since);
            if let Some(reason) = time_out(&session, used, now, &self.0.options) {
                self.end(&key, &session, reason).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Writes how many refused commands were counted in minutes that are over; in every minute
    /// where `all`, which is for the stop.
    ///
    /// # Errors
    /// [`StaffError::Commit`]; what was not written stays counted.
    pub async fn flush_refusals(&self, all: bool) -> Result<(), StaffError> {
        Ok(self.0.refusals.flush(&self.0.store, self.0.clock.now(), all).await?)
    }

    /// How many sessions there are.
    ///
    /// # Errors
    /// [`StaffError`] where rows cannot be read.
    pub async fn session_count(&self) -> Result<usize, StaffError> {
        Ok(self.sessions().await?.len())
    }

    /// Suspends a person: no login from now on, every session ended, in one unit of work.
    ///
    /// # Errors
    /// [`StaffError::Unknown`] where nobody has this name.
    pub async fn suspend(&self, name: &OperatorName, origin: &Origin) -> Result<(), StaffError> {
        let (before, row) = self.row(name).await?.ok_or(StaffError::Unknown)?;
        let row = OperatorRow { suspended: true, ..row };
        let mut changes = Changes::new();
        let key = OperatorRow::key(name);
        replace(&mut changes, Table::Operator, &key, (before, row.encode()?));
        let now = self.0.clock.now();
        let entry = origin.entry(now, Event::OperatorSuspended).about(Subject::Operator(row.id));
        let mut sessions = self.sessions().await?;
        sessions.retain(|(_, session)| session.operator == row.id);
        self.commit_ending(changes, entry, sessions).await
    }

    async fn session_of(
        &self,
        token: Option<&SessionToken>,
    ) -> Result<Option<([u8; 32], SessionRow)>, StaffError> {
        let Some(key) = token.map(SessionToken::hash) else { return Ok(None) };
        let row = self.0.store.get(Table::OperatorSession, &key).await?;
        row.map(|row| Ok((key, SessionRow::decode(&row)?))).transpose()
    }

    async fn end(&self, key: &[u8], session: &SessionRow, reason: &str) -> Result<(), StaffError> {
        let mut changes = Changes::new();
        changes
            .expect(Table::OperatorSession, key.to_vec(), Expectation::Present)
            .delete(Table::OperatorSession, key.to_vec());
        let entry = Origin::of(Actor::Daemon)
            .entry(self.0.clock.now(), Event::SessionEnded)
            .about(Subject::Session(session.id))
            .about(Subject::Operator(session.operator))
            .reason(reason);
        self.activity().remove(&session.id);
        match self.0.store.commit(changes, entry).await {
            // Another request ended it a moment before: one entry tells of it.
            Err(CommitError::Expectation { .. }) => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    /// Records that a command which this person may give is refused for another reason.
    ///
    /// # Errors
    /// [`StaffError::Commit`]; the command must be refused all the same.
    pub async fn note_refused(
        &self,
        staff: &Staff,
        permission: Permission,
        reason: &str,
    ) -> Result<(), StaffError> {
        self.note_refusal(permission, &staff.origin(), reason).await
    }

    async fn refuse(
        &self,
        permission: Permission,
        origin: Origin,
        denied: Denied,
    ) -> Result<Staff, Denied> {
        self.note_refusal(permission, &origin, &denied.to_string()).await?;
        Err(denied)
    }

    async fn note_refusal(
        &self,
        permission: Permission,
        origin: &Origin,
        reason: &str,
    ) -> Result<(), StaffError> {
        let entry = origin
            .entry(self.0.clock.now(), Event::CommandRefused)
            .outcome(Outcome::Refused)
            .reason(format!("{}: {reason}", permission.command));
        self.0.refusals.note(&self.0.store, entry).await?;
        Ok(())
    }
}

/// The role that lets the command through, where one is needed.
fn judge(need: Need, info: &SessionInfo) -> Result<Option<Role>, Denied> {
    match need {
        Need::Session => Ok(None),
        Need::OneOf(_) if info.password_due => Err(Denied::PasswordDue),
        Need::OneOf(need) => {
            let role = need.common(info.roles).iter().next();
            role.map(Some).ok_or(Denied::Role { need, have: info.roles })
        }
    }
}

/// Why the session has ended by itself, if it has. One that was used in a future from which the clock
/// was set back has ended too: how long it has idled is unknown.
fn time_out(
    session: &SessionRow,
    used: Timestamp,
    now: Timestamp,
    options: &Options,
) -> Option<&'static str> {
    if now >= session.until {
        Some("absolute time-out")
    } else if now.apart(used) >= options.idle_ms {
        Some("idle time-out")
    } else {
        None
    }
}
