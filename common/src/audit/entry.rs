//! One audit entry: who did what to which thing, when, from where, with what result.

use super::event::Event;
use crate::id::{
    DeliveryId, JobId, KeyId, MailboxId, MessageId, OperatorId, PseudonymId, RequestId, SessionId,
};
use crate::identity::OrganisationNumber;
use crate::role::Role;
use crate::time::Timestamp;
use std::net::IpAddr;

/// One entry of the audit log, before the engine gives it its place.
///
/// Carries opaque ids only, never a national number, name, subject or content: personal data
/// stands in side records, which the entry names by [`PseudonymId`] and proves by a salted
/// commitment ([`Fact::Commitment`]). Source: K4.5–4.9; `docs/formats/audit-entry.md`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When, by the daemon's clock.
    pub time: Timestamp,
    /// What.
    pub event: Event,
    /// With what result.
    pub outcome: Outcome,
    /// Who.
    pub actor: Actor,
    /// The role that allowed it, where staff acted.
    pub role: Option<Role>,
    /// The staff session it was done in.
    pub session: Option<SessionId>,
    /// From where.
    pub peer: Option<Peer>,
    /// The request it belongs to; the same id stands in answers and logs.
    pub request: Option<RequestId>,
    /// The things it touched, at most [`Entry::SUBJECTS_MAX`].
    pub subjects: Vec<Subject>,
    /// What else must be provable later.
    pub facts: Vec<Fact>,
    /// The reason staff gave, or the code of a refusal.
    pub reason: Option<String>,
    /// The ticket staff gave.
    pub ticket: Option<String>,
    /// SHA-256 of the approved plan, where one was needed.
    pub plan: Option<[u8; 32]>,
}

/// Whether the act was asked for, done, refused or failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Asked for; a second person must approve.
    Asked,
    /// Done.
    Done,
    /// Refused: not allowed, or not sound.
    Refused,
    /// Tried, and failed.
    Failed,
}

/// Who acted.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Actor {
    /// The daemon itself.
    Daemon,
    /// A member of staff.
    Operator(OperatorId),
    /// Somebody on the control socket who is not logged in, known by the kernel's uid.
    Local(u32),
    /// An authority or dispatcher, by the organisation number of its certificate.
    Authority(OrganisationNumber),
    /// A peer on the authorities' door whose organisation is not established.
    Unknown,
    /// A portal, by its configured name.
    Portal(String),
    /// A holder or user, by pseudonym.
    Person(PseudonymId),
}

/// Where the act came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Peer {
    /// Over the Unix socket, as the kernel tells it.
    Local {
        /// User id.
        uid: u32,
        /// Process id, where known.
        pid: Option<u32>,
        /// Terminal that mbxctl named: a convenience, no proof.
        tty: Option<String>,
    },
    /// Over the network.
    Remote {
        /// Address of the other end.
        address: IpAddr,
        /// SHA-256 of its client certificate.
        certificate: Option<[u8; 32]>,
    },
}

/// A thing that an entry is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// A mailbox.
    Mailbox(MailboxId),
    /// A message.
    Message(MessageId),
    /// A delivery.
    Delivery(DeliveryId),
    /// A member of staff.
    Operator(OperatorId),
    /// A staff session.
    Session(SessionId),
    /// A job.
    Job(JobId),
    /// A key in the HSM.
    Key(KeyId),
    /// A person, by pseudonym.
    Person(PseudonymId),
    /// An authority or dispatcher.
    Organisation(OrganisationNumber),
}

/// A fact that an entry proves. Numbers and digests only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    /// Content root of a delivery (SHA-256; `docs/formats/mbx1.md`).
    ContentRoot([u8; 32]),
    /// Salted commitment to a side record: SHA-256(salt ‖ record).
    Commitment([u8; 32]),
    /// SHA-256 of a document: terms, configuration, file of a job.
    Digest([u8; 32]),
    /// Protection class, 1–3.
    Class(u8),
    /// Level of assurance, 1–4.
    Loa(u8),
    /// A count: recipients, rows, refused deliveries.
    Count(u64),
    /// A size in bytes.
    Bytes(u64),
    /// A code of ours (`MBX-nnnn`) or of a SOAP fault.
    Code(u16),
    /// A moment that the act names: acceptance of terms, start of a period.
    Moment(Timestamp),
    /// Leaves in the tree, at a checkpoint.
    TreeSize(u64),
    /// Root of the tree, at a checkpoint.
    TreeRoot([u8; 32]),
}

impl Entry {
    /// Most subjects in one entry: a `notify` lists its mailboxes.
    pub const SUBJECTS_MAX: usize = 2 * crate::limit::NOTIFY_RECIPIENTS_MAX + 8;

    /// An entry for something done now; the other fields are added by the methods below.
    pub fn new(time: Timestamp, event: Event, actor: Actor) -> Self {
        Self {
            time,
            event,
            outcome: Outcome::Done,
            actor,
            role: None,
            session: None,
            peer: None,
            request: None,
            subjects: Vec::new(),
            facts: Vec::new(),
            reason: None,
            ticket: None,
            plan: None,
        }
    }

    /// Sets the result.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Adds a thing the entry is about.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// Sets where the act came from.
    #[must_use]
    pub fn peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Sets the request it belongs to.
    #[must_use]
    pub fn request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets the staff session and the role that allowed the act.
    #[must_use]
    pub fn staff(mut self, session: SessionId, role: Option<Role>) -> Self {
        self.session = Some(session);
        self.role = role;
        self
    }
}
