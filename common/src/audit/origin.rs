//! Who asked for an act and from where: what a service needs to write its audit entry.

use super::entry::{Actor, Entry, Peer};
use super::event::Event;
use crate::id::{RequestId, SessionId};
use crate::role::Role;
use crate::time::Timestamp;

/// The who, whence and why of one act. Edges make it; services turn it into their entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// The role that allowed it, where staff acted.
    pub role: Option<Role>,
    /// The staff session.
    pub session: Option<SessionId>,
    /// From where.
    pub peer: Option<Peer>,
    /// The request.
    pub request: Option<RequestId>,
    /// The reason staff gave.
    pub reason: Option<String>,
    /// The ticket staff gave.
    pub ticket: Option<String>,
}

impl Origin {
    /// An act of this actor, nothing else known yet.
    pub const fn of(actor: Actor) -> Self {
        Self {
            actor,
            role: None,
            session: None,
            peer: None,
            request: None,
            reason: None,
            ticket: None,
        }
    }

    /// The entry for an act of this origin.
    pub fn entry(&self, time: Timestamp, event: Event) -> Entry {
        let mut entry = Entry::new(time, event, self.actor.clone());
        entry.role = self.role;
        entry.session = self.session;
        entry.peer.clone_from(&self.peer);
        entry.request = self.request;
        entry.reason.clone_from(&self.reason);
        entry.ticket.clone_from(&self.ticket);
        entry
    }
}
