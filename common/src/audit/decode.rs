//! An entry from its bytes: one value has one spelling, everything else is refused.

use super::codec::{DecodeError, Reader};
use super::entry::{Actor, Entry, Fact, Outcome, Peer, Subject};
use super::event::Event;
use crate::id::{
    DeliveryId, JobId, KeyId, MailboxId, MessageId, OperatorId, PseudonymId, RequestId, SessionId,
};
use crate::identity::OrganisationNumber;
use crate::limit::NOTE_LEN_MAX;
use crate::role::Role;
use crate::time::Timestamp;
use std::net::IpAddr;

impl Entry {
    /// Reads an entry; whatever is accepted encodes back to exactly these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are cut, longer, of another version or not the one
    /// spelling of an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let found = reader.u8()?;
        if found != Self::FORMAT {
            return Err(DecodeError::Version { found });
        }
        let time = timestamp(&mut reader, "time")?;
        let event = Event::from_code(reader.u16()?).ok_or(value("event"))?;
        let outcome = outcome(reader.u8()?)?;
        let presence = Presence(reader.u8()?);
        if presence.0 >= 1 << 7 {
            return Err(value("presence"));
        }
        let actor = actor(&mut reader)?;
        let entry = Self {
            time,
            event,
            outcome,
            actor,
            role: presence.field(0, || role(reader.u8()?))?,
            session: presence.field(1, || Ok(SessionId::from_bytes(reader.array()?)))?,
            peer: presence.field(2, || peer(&mut reader))?,
            request: presence.field(3, || Ok(RequestId::from_bytes(reader.array()?)))?,
            reason: presence.field(4, || reader.text("reason", NOTE_LEN_MAX))?,
            ticket: presence.field(5, || reader.text("ticket", NOTE_LEN_MAX))?,
            plan: presence.field(6, || reader.array())?,
            subjects: list(&mut reader, "subjects", Self::SUBJECTS_MAX, subject)?,
            facts: list(&mut reader, "facts", Self::FACTS_MAX, fact)?,
        };
        reader.end()?;
        Ok(entry)
    }
}

const fn value(field: &'static str) -> DecodeError {
    DecodeError::Value { field }
}

/// The byte that tells which optional fields are there.
#[derive(Clone, Copy)]
struct Presence(u8);

impl Presence {
    fn field<T>(
        self,
        bit: u8,
        read: impl FnOnce() -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.0 >> bit & 1 == 1 { read().map(Some) } else { Ok(None) }
    }
}

fn list<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    count_max: usize,
    read: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = usize::from(reader.u16()?);
    if count > count_max {
        return Err(value(field));
    }
    (0..count).map(|_| read(reader)).collect()
}

fn timestamp(reader: &mut Reader<'_>, field: &'static str) -> Result<Timestamp, DecodeError> {
    Timestamp::from_millis(reader.u64()?).map_err(|_| value(field))
}

fn flag(reader: &mut Reader<'_>, field: &'static str) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(value(field)),
    }
}

fn organisation(reader: &mut Reader<'_>) -> Result<OrganisationNumber, DecodeError> {
    let digits: [u8; 12] = reader.array()?;
    let text = std::str::from_utf8(&digits).map_err(|_| value("organisation"))?;
    text.parse().map_err(|_| value("organisation"))
}

const fn outcome(code: u8) -> Result<Outcome, DecodeError> {
    Ok(match code {
        1 => Outcome::Asked,
        2 => Outcome::Done,
        3 => Outcome::Refused,
        4 => Outcome::Failed,
        _ => return Err(value("outcome")),
    })
}

const fn role(code: u8) -> Result<Role, DecodeError> {
    Ok(match code {
        1 => Role::Observer,
        2 => Role::Registrar,
        3 => Role::SystemOperator,
        4 => Role::SecurityOfficer,
        5 => Role::Auditor,
        6 => Role::Timer,
        _ => return Err(value("role")),
    })
}

fn actor(reader: &mut Reader<'_>) -> Result<Actor, DecodeError> {
    Ok(match reader.u8()? {
        1 => Actor::Daemon,
        2 => Actor::Operator(OperatorId::from_bytes(reader.array()?)),
        3 => Actor::Local(reader.u32()?),
        4 => Actor::Authority(organisation(reader)?),
        5 => Actor::Unknown,
        6 => Actor::Portal(reader.text("portal", Entry::NAME_LEN_MAX)?),
        7 => Actor::Person(PseudonymId::from_bytes(reader.array()?)),
        _ => return Err(value("actor")),
    })
}

fn peer(reader: &mut Reader<'_>) -> Result<Peer, DecodeError> {
    match reader.u8()? {
        1 => local_peer(reader),
        2 => remote_peer(reader),
        _ => Err(value("peer")),
    }
}

fn local_peer(reader: &mut Reader<'_>) -> Result<Peer, DecodeError> {
    let uid = reader.u32()?;
    let presence = Presence(reader.u8()?);
    if presence.0 >= 1 << 2 {
        return Err(value("peer"));
    }
    Ok(Peer::Local {
        uid,
        pid: presence.field(0, || reader.u32())?,
        tty: presence.field(1, || reader.text("tty", Entry::NAME_LEN_MAX))?,
    })
}

fn remote_peer(reader: &mut Reader<'_>) -> Result<Peer, DecodeError> {
    let address = match reader.u8()? {
        4 => IpAddr::from(reader.array::<4>()?),
        6 => IpAddr::from(reader.array::<16>()?),
        _ => return Err(value("address")),
    };
    let certificate = if flag(reader, "certificate")? { Some(reader.array()?) } else { None };
    Ok(Peer::Remote { address, certificate })
}

fn subject(reader: &mut Reader<'_>) -> Result<Subject, DecodeError> {
    Ok(match reader.u8()? {
        1 => Subject::Mailbox(MailboxId::from_bytes(reader.array()?)),
        2 => Subject::Message(MessageId::from_bytes(reader.array()?)),
        3 => Subject::Delivery(DeliveryId::from_bytes(reader.array()?)),
        4 => Subject::Operator(OperatorId::from_bytes(reader.array()?)),
        5 => Subject::Session(SessionId::from_bytes(reader.array()?)),
        6 => Subject::Job(JobId::from_bytes(reader.array()?)),
        7 => Subject::Key(KeyId::from_bytes(reader.array()?)),
        8 => Subject::Person(PseudonymId::from_bytes(reader.array()?)),
        9 => Subject::Organisation(organisation(reader)?),
        _ => return Err(value("subject")),
    })
}

fn fact(reader: &mut Reader<'_>) -> Result<Fact, DecodeError> {
    Ok(match reader.u8()? {
        1 => Fact::ContentRoot(reader.array()?),
        2 => Fact::Commitment(reader.array()?),
        3 => Fact::Digest(reader.array()?),
        4 => Fact::Class(reader.u8()?),
        5 => Fact::Loa(reader.u8()?),
        6 => Fact::Count(reader.u64()?),
        7 => Fact::Bytes(reader.u64()?),
        8 => Fact::Code(reader.u16()?),
        9 => Fact::Moment(timestamp(reader, "moment")?),
        10 => Fact::TreeSize(reader.u64()?),
        11 => Fact::TreeRoot(reader.array()?),
        _ => return Err(value("fact")),
    })
}
