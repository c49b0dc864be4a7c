//! What verifying found.

use crate::jobs::JobError;
use crate::store::{BadRow, CommitError, ReadError};
use mbx_common::error::Kind;
use mbx_common::id::{DeliveryId, JobId, MailboxId, MessageId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Findings that are kept one by one; more are counted.
const FINDINGS_MAX: usize = 1000;

/// What is wrong.
///
/// The number is stored (the place in this list): never reused or moved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Fault {
    /// A row cannot be read.
    RowDamaged,
    /// The mailbox's row and the directory's differ, or the directory's is altered or missing.
    Directory,
    /// A message belongs to a mailbox that does not exist.
    NoMailbox,
    /// A message cannot be found by its id, or another stands there.
    Place,
    /// A place row leads to no message.
    PlaceDangling,
    /// A message's delivery has no row, or tells of another class, content or mailbox.
    Delivery,
    /// A content is missing or fails the store's checksum.
    Content,
    /// The contents are not those whose root was stored.
    ContentRoot,
    /// The audit log tells of a message that is not there and was not erased.
    MessageMissing,
    /// The audit log tells of another class, content root, mailbox or delivery.
    LogDiffers,
    /// No entry of the audit log tells of this message.
    NotInLog,
    /// An entry of the audit log cannot be read.
    EntryDamaged,
}

impl Fault {
    /// What is wrong, in a few words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::RowDamaged => "a row cannot be read",
            Self::Directory => "the delivery directory does not agree with the mailbox",
            Self::NoMailbox => "a message belongs to no mailbox",
            Self::Place => "a message is not found by its id",
            Self::PlaceDangling => "an id leads to no message",
            Self::Delivery => "a message does not agree with its delivery",
            Self::Content => "a content is missing or damaged",
            Self::ContentRoot => "the contents are not those that were delivered",
            Self::MessageMissing => "a delivered message is missing",
            Self::LogDiffers => "a message does not agree with the audit log",
            Self::NotInLog => "no audit entry tells of a message",
            Self::EntryDamaged => "an audit entry cannot be read",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// The mailbox, where one is meant.
    pub mailbox: Option<MailboxId>,
    /// The message, where one is meant.
    pub message: Option<MessageId>,
    /// The delivery, where one is meant.
    pub delivery: Option<DeliveryId>,
}

impl Finding {
    pub(super) const fn of(fault: Fault) -> Self {
        Self { fault, mailbox: None, message: None, delivery: None }
    }
}

/// What verifying found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Bytes of stored content read and compared with their root.
    pub bytes: u64,
    /// Audit entries read.
    pub entries: u64,
    /// How many faults there are; 0 = all is well.
    pub faults: u64,
    /// The first of them: 1,000 while verifying, 50 with an ended job.
    pub findings: Vec<Finding>,
}

impl Verified {
    pub(super) fn add(&mut self, finding: Finding) {
        self.faults = self.faults.saturating_add(1);
        if self.findings.len() < FINDINGS_MAX {
            let Finding { fault, mailbox, message, delivery } = finding;
            tracing::error!(?mailbox, ?message, ?delivery, "{}", fault.text());
            self.findings.push(finding);
        }
    }
}

/// Why verifying was not carried through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No mailbox has this id.
    #[error("no such mailbox")]
    NoMailbox,
    /// Another verification runs.
    #[error("mailboxes are being verified already: {job}")]
    Running {
        /// The job.
        job: JobId,
    },
    /// Somebody asked the job to stop.
    #[error("verifying was cancelled")]
    Cancelled,
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The store cannot read.
    #[error("cannot read the mailboxes")]
    Read(#[from] ReadError),
    /// The entry cannot be written.
    #[error("cannot record that mailboxes were verified")]
    Commit(#[from] CommitError),
}

impl VerifyError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoMailbox => Kind::NotFound,
            Self::Running { .. } => Kind::Limit,
            Self::Cancelled => Kind::Conflict,
            Self::Job(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }
}

impl From<BadRow> for VerifyError {
    fn from(bad: BadRow) -> Self {
        Self::Read(bad.into())
    }
}

/// For each mailbox, how many messages were seen and the sum of their ids: equal for the same
/// messages in any order.
#[derive(Debug, Default)]
pub(super) struct Sums(HashMap<MailboxId, (u64, u128)>);

impl Sums {
    pub(super) fn add(&mut self, mailbox: MailboxId, message: MessageId) {
        let (count, sum) = self.0.entry(mailbox).or_default();
        *count = count.wrapping_add(1);
        // Ids are random, so that their sum tells sets apart.
        *sum = sum.wrapping_add(u128::from_be_bytes(*message.as_bytes()));
    }

    /// Mailboxes of which the other side tells something else.
    pub(super) fn unequal(&self, other: &Self) -> Vec<MailboxId> {
        let differs = |id: &&MailboxId| self.0.get(*id) != other.0.get(*id);
        let mut unequal: Vec<_> =
            self.0.keys().chain(other.0.keys()).filter(differs).copied().collect();
        unequal.sort_unstable();
        unequal.dedup();
        unequal
    }
}
