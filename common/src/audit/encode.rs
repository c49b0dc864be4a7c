//! An entry's bytes: the leaf of the tree (`docs/formats/audit-entry.md`).

use super::codec::{put_count, put_text};
use super::entry::{Actor, Entry, Fact, Outcome, Peer, Subject};
use crate::role::Role;
use std::net::IpAddr;

impl Entry {
    /// Version byte of the format that [`Entry::encode`] writes.
    pub const FORMAT: u8 = 1;
    /// Most facts in one entry.
    pub const FACTS_MAX: usize = 64;
    /// Longest encoded entry, in bytes.
    pub const ENCODED_LEN_MAX: usize = 40 * 1024;
    /// Longest name of a portal or terminal, in bytes.
    pub const NAME_LEN_MAX: usize = 64;

    /// The entry's bytes: the same for equal entries, in every release.
    ///
    /// Never fails, so that no act is lost for its note: a text over its limit is cut at a
    /// character border, a list over its limit loses its tail. Callers keep to the limits.
    ///
    /// Source: `docs/formats/audit-entry.md`.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 17 * self.subjects.len());
        out.push(Self::FORMAT);
        out.extend_from_slice(&self.time.as_millis().to_be_bytes());
        out.extend_from_slice(&self.event.code().to_be_bytes());
        out.push(outcome_code(self.outcome));
        out.push(self.presence());
        put_actor(&mut out, &self.actor);
        if let Some(role) = self.role {
            out.push(role_code(role));
        }
        if let Some(session) = self.session {
            out.extend_from_slice(session.as_bytes());
        }
        if let Some(peer) = &self.peer {
            put_peer(&mut out, peer);
        }
        if let Some(request) = self.request {
            out.extend_from_slice(request.as_bytes());
        }
        for text in [&self.reason, &self.ticket].into_iter().flatten() {
            put_text(&mut out, text, crate::limit::NOTE_LEN_MAX);
        }
        if let Some(plan) = self.plan {
            out.extend_from_slice(&plan);
        }
        put_count(&mut out, self.subjects.len().min(Self::SUBJECTS_MAX));
        for subject in self.subjects.iter().take(Self::SUBJECTS_MAX) {
            put_subject(&mut out, subject);
        }
        put_count(&mut out, self.facts.len().min(Self::FACTS_MAX));
        for fact in self.facts.iter().take(Self::FACTS_MAX) {
            put_fact(&mut out, fact);
        }
        out
    }

    /// One bit per optional field that is there, in the order in which they are written.
    fn presence(&self) -> u8 {
        [
            self.role.is_some(),
            self.session.is_some(),
            self.peer.is_some(),
            self.request.is_some(),
            self.reason.is_some(),
            self.ticket.is_some(),
            self.plan.is_some(),
        ]
        .into_iter()
        .rev()
        .fold(0, |bits, is_there| bits << 1 | u8::from(is_there))
    }
}

const fn outcome_code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Asked => 1,
        Outcome::Done => 2,
        Outcome::Refused => 3,
        Outcome::Failed => 4,
    }
}

const fn role_code(role: Role) -> u8 {
    match role {
        Role::Observer => 1,
        Role::Registrar => 2,
        Role::SystemOperator => 3,
        Role::SecurityOfficer => 4,
        Role::Auditor => 5,
        Role::Timer => 6,
    }
}

fn put_actor(out: &mut Vec<u8>, actor: &Actor) {
    match actor {
        Actor::Daemon => out.push(1),
        Actor::Operator(id) => tagged(out, 2, id.as_bytes()),
        Actor::Local(uid) => tagged(out, 3, &uid.to_be_bytes()),
        Actor::Authority(number) => tagged(out, 4, number.digits()),
        Actor::Unknown => out.push(5),
        Actor::Portal(name) => {
            out.push(6);
            put_text(out, name, Entry::NAME_LEN_MAX);
        }
        Actor::Person(id) => tagged(out, 7, id.as_bytes()),
    }
}

fn put_peer(out: &mut Vec<u8>, peer: &Peer) {
    match peer {
        Peer::Local { uid, pid, tty } => {
            tagged(out, 1, &uid.to_be_bytes());
            out.push(u8::from(pid.is_some()) | u8::from(tty.is_some()) << 1);
            if let Some(pid) = pid {
                out.extend_from_slice(&pid.to_be_bytes());
            }
            if let Some(tty) = tty {
                put_text(out, tty, Entry::NAME_LEN_MAX);
            }
        }
        Peer::Remote { address, certificate } => {
            out.push(2);
            match address {
                IpAddr::V4(four) => tagged(out, 4, &four.octets()),
                IpAddr::V6(six) => tagged(out, 6, &six.octets()),
            }
            out.push(u8::from(certificate.is_some()));
            if let Some(digest) = certificate {
                out.extend_from_slice(digest);
            }
        }
    }
}

fn put_subject(out: &mut Vec<u8>, subject: &Subject) {
    match subject {
        Subject::Mailbox(id) => tagged(out, 1, id.as_bytes()),
        Subject::Message(id) => tagged(out, 2, id.as_bytes()),
        Subject::Delivery(id) => tagged(out, 3, id.as_bytes()),
        Subject::Operator(id) => tagged(out, 4, id.as_bytes()),
        Subject::Session(id) => tagged(out, 5, id.as_bytes()),
        Subject::Job(id) => tagged(out, 6, id.as_bytes()),
        Subject::Key(id) => tagged(out, 7, id.as_bytes()),
        Subject::Person(id) => tagged(out, 8, id.as_bytes()),
        Subject::Organisation(number) => tagged(out, 9, number.digits()),
    }
}

fn put_fact(out: &mut Vec<u8>, fact: &Fact) {
    match fact {
        Fact::ContentRoot(digest) => tagged(out, 1, digest),
        Fact::Commitment(digest) => tagged(out, 2, digest),
        Fact::Digest(digest) => tagged(out, 3, digest),
        Fact::Class(class) => tagged(out, 4, &[*class]),
        Fact::Loa(level) => tagged(out, 5, &[*level]),
        Fact::Count(count) => tagged(out, 6, &count.to_be_bytes()),
        Fact::Bytes(bytes) => tagged(out, 7, &bytes.to_be_bytes()),
        Fact::Code(code) => tagged(out, 8, &code.to_be_bytes()),
        Fact::Moment(moment) => tagged(out, 9, &moment.as_millis().to_be_bytes()),
        Fact::TreeSize(size) => tagged(out, 10, &size.to_be_bytes()),
        Fact::TreeRoot(root) => tagged(out, 11, root),
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend_from_slice(body);
}
