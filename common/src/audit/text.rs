//! Entries in words: the spellings of searches, lists and exports. They are part of the export
//! format (`docs/formats/audit-export.md`): never changed, only added to.

use super::entry::{Actor, Fact, Outcome, Peer, Subject};
use crate::id::{
    DeliveryId, JobId, KeyId, MailboxId, MessageId, OperatorId, PseudonymId, SessionId,
};
use crate::identity::OrganisationNumber;
use crate::role::Role;
use std::fmt;
use std::str::FromStr;

/// A text that names no actor or subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected an id with its prefix, an organisation number, or daemon")]
pub struct BadReference;

impl Outcome {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The name of a role in output of the audit log.
pub(super) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Observer => "observer",
        Role::Registrar => "registrar",
        Role::SystemOperator => "system-operator",
        Role::SecurityOfficer => "security-officer",
        Role::Auditor => "auditor",
        Role::Timer => "timer",
    }
}

impl Actor {
    /// What kind of actor it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Operator(_) => "operator",
            Self::Local(_) => "local",
            Self::Authority(_) => "authority",
            Self::Unknown => "unknown",
            Self::Portal(_) => "portal",
            Self::Person(_) => "person",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon | Self::Unknown => f.write_str(self.kind()),
            Self::Operator(id) => id.fmt(f),
            Self::Local(uid) => write!(f, "uid {uid}"),
            Self::Authority(number) => number.fmt(f),
            Self::Portal(name) => write!(f, "portal {name}"),
            Self::Person(id) => id.fmt(f),
        }
    }
}

impl FromStr for Actor {
    type Err = BadReference;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        if let Some(uid) = text.strip_prefix("uid ") {
            return uid.parse().map(Self::Local).map_err(|_| BadReference);
        }
        if let Some(name) = text.strip_prefix("portal ") {
            return Ok(Self::Portal(name.to_owned()));
        }
        match text {
            "daemon" => Ok(Self::Daemon),
            "unknown" => Ok(Self::Unknown),
            _ => None
                .or_else(|| text.parse().ok().map(Self::Operator))
                .or_else(|| text.parse().ok().map(Self::Authority))
                .or_else(|| text.parse().ok().map(Self::Person))
                .ok_or(BadReference),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { uid, pid, tty } => {
                write!(f, "uid {uid}")?;
                pid.map_or(Ok(()), |pid| write!(f, " pid {pid}"))?;
                tty.as_ref().map_or(Ok(()), |tty| write!(f, " tty {tty}"))
            }
            Self::Remote { address, certificate } => {
                address.fmt(f)?;
                certificate.map_or(Ok(()), |digest| write!(f, " certificate {}", Hex(&digest)))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(id) => id.fmt(f),
            Self::Message(id) => id.fmt(f),
            Self::Delivery(id) => id.fmt(f),
            Self::Operator(id) => id.fmt(f),
            Self::Session(id) => id.fmt(f),
            Self::Job(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            Self::Person(id) => id.fmt(f),
            Self::Organisation(number) => number.fmt(f),
        }
    }
}

impl FromStr for Subject {
    type Err = BadReference;

    /// Reads what `Display` writes: an id with its prefix, or an organisation number.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let prefix = text.split_once('_').map_or("", |(prefix, _)| prefix);
        let parsed = match prefix {
            MailboxId::PREFIX => text.parse().ok().map(Self::Mailbox),
            MessageId::PREFIX => text.parse().ok().map(Self::Message),
            DeliveryId::PREFIX => text.parse().ok().map(Self::Delivery),
            OperatorId::PREFIX => text.parse().ok().map(Self::Operator),
            SessionId::PREFIX => text.parse().ok().map(Self::Session),
            JobId::PREFIX => text.parse().ok().map(Self::Job),
            KeyId::PREFIX => text.parse().ok().map(Self::Key),
            PseudonymId::PREFIX => text.parse().ok().map(Self::Person),
            _ => text.parse::<OrganisationNumber>().ok().map(Self::Organisation),
        };
        parsed.ok_or(BadReference)
    }
}

impl Fact {
    /// What the fact is.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ContentRoot(_) => "content-root",
            Self::Commitment(_) => "commitment",
            Self::Digest(_) => "digest",
            Self::Class(_) => "class",
            Self::Loa(_) => "loa",
            Self::Count(_) => "count",
            Self::Bytes(_) => "bytes",
            Self::Code(_) => "code",
            Self::Moment(_) => "moment",
            Self::TreeSize(_) => "tree-size",
            Self::TreeRoot(_) => "tree-root",
        }
    }

    /// Its value: a decimal number, 64 hex digits, or a moment.
    pub fn value(&self) -> String {
        match self {
            Self::ContentRoot(digest)
            | Self::Commitment(digest)
            | Self::Digest(digest)
            | Self::TreeRoot(digest) => Hex(digest).to_string(),
            Self::Class(number) | Self::Loa(number) => number.to_string(),
            Self::Count(number) | Self::Bytes(number) | Self::TreeSize(number) => {
                number.to_string()
            }
            Self::Code(code) => code.to_string(),
            Self::Moment(moment) => moment.to_string(),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.value())
    }
}

/// Bytes as lower-case hex digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::id::write_hex(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::arb_entry;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What a list prints can be searched for.
        #[test]
        fn actors_and_subjects_are_read_as_they_are_written(entry in arb_entry()) {
            prop_assert_eq!(entry.actor.to_string().parse(), Ok(entry.actor));
            for subject in entry.subjects {
                prop_assert_eq!(subject.to_string().parse(), Ok(subject));
            }
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "anna", "mbx_12", "zzz_00000000000000000000000000000000", "191212121212"] {
            assert_eq!(text.parse::<Subject>(), Err(BadReference), "{text}");
            assert_eq!(text.parse::<Actor>(), Err(BadReference), "{text}");
        }
    }
}
