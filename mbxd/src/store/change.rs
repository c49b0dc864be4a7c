//! Writes as values: what a unit of work expects and changes.

use bytes::Bytes;

/// A table of the index. The number is part of the log's format: never reused.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Table {
    /// Keyed hash of the national number → mailbox, state, per tier (epoch, public key), MAC.
    Directory = 1,
    /// Mailbox → state, kind, register record.
    Mailbox = 2,
    /// (mailbox, sequence) → message row.
    Message = 3,
    /// Message id → (mailbox, sequence).
    MessagePlace = 4,
    /// Delivery → sender, time, stages, answer.
    Delivery = 5,
    /// (time, delivery): deliveries in the order of arrival, refused ones too.
    DeliveryByTime = 6,
    /// Duplicate key → `TransId` and Delivered flags.
    Dedup = 7,
    /// (kind, moment, key): what may be dropped when.
    Retention = 8,
    /// Root secrets, signed.
    RootSecret = 9,
    /// Keys in the token: `CKA_ID` → purpose, version, state.
    Key = 10,
    /// Pseudonym → encrypted side record of the audit log.
    SideRecord = 11,
    /// Allowed and blocked senders with their dispatchers.
    Sender = 12,
    /// Last good CRL of each issuer.
    Crl = 13,
    /// Assertion ids seen, until they expire.
    Jti = 14,
    /// Members of staff.
    Operator = 15,
    /// Staff sessions.
    OperatorSession = 16,
    /// Approvals.
    Approval = 17,
    /// Jobs with their cursors.
    Job = 18,
    /// Signed audit checkpoints by tree size.
    Checkpoint = 19,
    /// Versions of the terms that holders accepted.
    Terms = 20,
    /// Installation facts: format, installation id, counters.
    Meta = 21,
    /// (keyed mark of a sender's message id, delivery) → nothing: `delivery trace --sender-id`.
    SenderMessage = 22,
    /// Mailbox → sealed W's, encrypted private keys, epochs, keyring positions: the keys room's
    /// own row, so that re-sealing never meets a change of the mailbox.
    MailboxKeys = 23,
}

impl Table {
    /// The table's number in the log and the index.
    #[expect(clippy::as_conversions, reason = "the discriminant is the number")]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The table of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.number() == number)
    }

    /// Every table.
    pub const ALL: [Self; 23] = [
        Self::Directory,
        Self::Mailbox,
        Self::Message,
        Self::MessagePlace,
        Self::Delivery,
        Self::DeliveryByTime,
        Self::Dedup,
        Self::Retention,
        Self::RootSecret,
        Self::Key,
        Self::SideRecord,
        Self::Sender,
        Self::Crl,
        Self::Jti,
        Self::Operator,
        Self::OperatorSession,
        Self::Approval,
        Self::Job,
        Self::Checkpoint,
        Self::Terms,
        Self::Meta,
        Self::SenderMessage,
        Self::MailboxKeys,
    ];
}

/// What must hold of a row for the unit of work to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expectation {
    /// No row has this key.
    Absent,
    /// A row has this key.
    Present,
    /// The row has exactly this value.
    Equals(Bytes),
}

impl Expectation {
    /// Whether it holds of the row found, `None` = no such row.
    pub fn holds(&self, found: Option<&Bytes>) -> bool {
        match (self, found) {
            (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Equals(value), Some(found)) => value == found,
            (Self::Absent, Some(_)) | (Self::Present | Self::Equals(_), None) => false,
        }
    }
}

/// One step of a unit of work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Do nothing of the whole unit unless this holds.
    Expect(Table, Bytes, Expectation),
    /// Write the row.
    Put(Table, Bytes, Bytes),
    /// Remove the row; no error where there is none.
    Delete(Table, Bytes),
}

/// The steps of one unit of work, a plain list that can be kept, compared and run again.
///
/// All expectations are judged against the state before the unit; then the writes are done in
/// order, all or none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// No change yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an expectation.
    pub fn expect(
        &mut self,
        table: Table,
        key: impl Into<Bytes>,
        expectation: Expectation,
    ) -> &mut Self {
        self.0.push(Change::Expect(table, key.into(), expectation));
        self
    }

    /// Adds a write.
    pub fn put(
        &mut self,
        table: Table,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> &mut Self {
        self.0.push(Change::Put(table, key.into(), value.into()));
        self
    }

    /// Adds a removal.
    pub fn delete(&mut self, table: Table, key: impl Into<Bytes>) -> &mut Self {
        self.0.push(Change::Delete(table, key.into()));
        self
    }

    /// Adds all of another list.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Change] {
        &self.0
    }
}
