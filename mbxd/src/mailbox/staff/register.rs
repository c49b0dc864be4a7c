//! A holder is registered: terms checked, keys made, then one unit of work.

use super::record::{Acceptance, RegisterRecord};
use crate::keys::{KeysError, MadeMailbox, NewMailbox as NewKeys};
use crate::mailbox::row::{MailboxRow, NewMailbox};
use crate::mailbox::service::{Mailboxes, Terms};
use crate::store::{BadRow, Changes, CommitError, Expectation, ReadError, Row as _, Table};
use bytes::Bytes;
use mbx_common::assurance::Loa;
use mbx_common::audit::{Entry, Event, Fact, Origin, Subject};
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::holder::HolderKind;
use mbx_common::id::{MailboxId, PseudonymId};
use mbx_common::identity::{NationalNumber, NumberKind};
use mbx_common::limit::NOTE_LEN_MAX;
use mbx_common::time::Timestamp;
use zeroize::Zeroizing;

/// Somebody who is to have a mailbox.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The number.
    pub number: NationalNumber,
    /// What kind of holder; absent: person for a person's number, company for an organisation's.
    pub kind: Option<HolderKind>,
    /// Version of the terms accepted; absent: the one in force.
    pub terms: Option<String>,
    /// When they were accepted; absent: now.
    pub accepted: Option<Timestamp>,
    /// At which level of assurance.
    pub loa: Loa,
    /// Where the evidence is, at most [`NOTE_LEN_MAX`] bytes.
    pub reference: Option<String>,
}

/// A holder registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, masked.
    pub number: String,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The terms as accepted.
    pub acceptance: Acceptance,
    /// Position of the entry in the audit log.
    pub audit: u64,
}

/// Why somebody was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The number has a mailbox already.
    #[error("the holder has a mailbox already")]
    AlreadyRegistered,
    /// A person's number for a company, or the other way round.
    #[error("kind and number do not fit")]
    KindMismatch,
    /// No terms are configured, so nobody can have accepted them.
    #[error("no terms are configured")]
    NoTerms,
    /// The version that was accepted is not the one in force.
    #[error("these terms are not the ones in force")]
    TermsUnknown,
    /// Somebody accepted another text under the same version.
    #[error("the terms have another text than before under the same version")]
    TermsChanged,
    /// Accepted at too low a level.
    #[error("terms must be accepted at level of assurance {needed} at least")]
    LoaTooLow {
        /// The lowest level that would do.
        needed: Loa,
    },
    /// Accepted in the future.
    #[error("the terms were accepted in the future")]
    AcceptedInFuture,
    /// The reference is too long.
    #[error("the reference is longer than {NOTE_LEN_MAX} bytes")]
    ReferenceTooLong,
    /// Keys cannot be made.
    #[error("cannot make the mailbox's keys")]
    Keys(#[from] KeysError),
    /// The store cannot read.
    #[error("cannot read the mailboxes")]
    Read(#[from] ReadError),
    /// The store cannot write.
    #[error("cannot store the mailbox")]
    Commit(#[from] CommitError),
    /// A row cannot be written or read.
    #[error(transparent)]
    Row(#[from] BadRow),
}

impl RegisterError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::AlreadyRegistered | Self::TermsChanged => Kind::Conflict,
            Self::KindMismatch
            | Self::NoTerms
            | Self::TermsUnknown
            | Self::LoaTooLow { .. }
            | Self::AcceptedInFuture
            | Self::ReferenceTooLong => Kind::Usage,
            Self::Keys(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(error) => error.kind(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::AlreadyRegistered => explain::ALREADY_REGISTERED,
            Self::KindMismatch => explain::HOLDER_KIND,
            Self::NoTerms | Self::TermsUnknown => explain::TERMS_UNKNOWN,
            Self::TermsChanged => explain::TERMS_CHANGED,
            Self::LoaTooLow { .. } => explain::LOA_TOO_LOW,
            Self::AcceptedInFuture => explain::ACCEPTED_IN_FUTURE,
            Self::ReferenceTooLong => explain::USAGE,
            Self::Keys(_) | Self::Read(_) | Self::Commit(_) | Self::Row(_) => {
                explain::generic(self.kind())
            }
        }
    }

    /// Whether this row alone is at fault: in a file, the others go on.
    pub(super) const fn is_of_the_row(&self) -> bool {
        matches!(
            self,
            Self::AlreadyRegistered
                | Self::KindMismatch
                | Self::TermsUnknown
                | Self::LoaTooLow { .. }
                | Self::AcceptedInFuture
                | Self::ReferenceTooLong
        )
    }
}

/// A registration that keeps every rule.
pub(super) struct Sound {
    pub(super) number: NationalNumber,
    pub(super) kind: HolderKind,
    pub(super) acceptance: Acceptance,
}

impl Mailboxes {
    /// Registers one holder: keys, directory row, register record, side record of the audit log
    /// and audit entry in one unit of work (K6.2, K6.3).
    ///
    /// # Errors
    /// [`RegisterError`]; nothing was done then, and refusals of the rules leave their entry.
    pub async fn register(
        &self,
        registration: Registration,
        origin: &Origin,
    ) -> Result<Registered, RegisterError> {
        let registered = self.try_register(registration, origin).await;
        if let Err(error) = &registered
            && error.is_of_the_row()
        {
            let entry = origin
                .entry(self.now(), Event::RegistrationRefused)
                .outcome(mbx_common::audit::Outcome::Refused)
                .reason(error.code().to_string());
            self.store().commit(Changes::new(), entry).await?;
        }
        registered
    }

    async fn try_register(
        &self,
        registration: Registration,
        origin: &Origin,
    ) -> Result<Registered, RegisterError> {
        let sound = self.judge(registration)?;
        self.expect_unknown(&sound.number).await?;
        let (number, kind) = (sound.number.masked(), sound.kind);
        let acceptance = sound.acceptance.clone();
        let terms = self.terms()?;
        let mut unit = Unit::new(origin.entry(self.now(), Event::MailboxRegistered), &terms);
        self.put_terms(&mut unit.changes, &terms).await?;
        let made = self.make(vec![sound]).await?;
        let mut mailbox = None;
        for (made, kind) in made {
            mailbox = Some(made.mailbox);
            unit.add(made, kind, self.now())?;
        }
        let mailbox = mailbox.ok_or(BadRow)?;
        let committed = self.store().commit(unit.changes, unit.entry).await;
        let audit = committed.map_err(already_registered)?.leaf;
        Ok(Registered { mailbox, number, kind, acceptance, audit })
    }

    /// Judges a registration by the rules, without looking whether the number is known.
    pub(super) fn judge(&self, registration: Registration) -> Result<Sound, RegisterError> {
        let Registration { number, kind, terms, accepted, loa, reference } = registration;
        let of_person = !matches!(number.kind(), NumberKind::Organisation);
        let by_number = if of_person { HolderKind::Person } else { HolderKind::Company };
        let kind = kind.unwrap_or(by_number);
        if kind.is_natural_person() != of_person {
            return Err(RegisterError::KindMismatch);
        }
        let options = self.options();
        let current = self.terms()?;
        if terms.is_some_and(|version| version != current.version) {
            return Err(RegisterError::TermsUnknown);
        }
        let needed = options.registration_loa.max(options.rules.profile.loa_to_enter());
        if loa < needed {
            return Err(RegisterError::LoaTooLow { needed });
        }
        let now = self.now();
        let accepted = accepted.unwrap_or(now);
        if accepted > now {
            return Err(RegisterError::AcceptedInFuture);
        }
        if reference.as_ref().is_some_and(|reference| reference.len() > NOTE_LEN_MAX) {
            return Err(RegisterError::ReferenceTooLong);
        }
        let Terms { version, sha256 } = current;
        let acceptance = Acceptance { version, sha256, accepted, loa, reference };
        Ok(Sound { number, kind, acceptance })
    }

    pub(super) fn terms(&self) -> Result<Terms, RegisterError> {
        self.options().terms.clone().ok_or(RegisterError::NoTerms)
    }

    pub(super) async fn expect_unknown(
        &self,
        number: &NationalNumber,
    ) -> Result<(), RegisterError> {
        match self.keys().find(number).await? {
            Some(_) => Err(RegisterError::AlreadyRegistered),
            None => Ok(()),
        }
    }

    /// Expects that the version of the terms never had another text, and writes it where it is new.
    pub(super) async fn put_terms(
        &self,
        changes: &mut Changes,
        terms: &Terms,
    ) -> Result<(), RegisterError> {
        let key = Bytes::copy_from_slice(terms.version.as_bytes());
        match self.store().get(Table::Terms, &key).await? {
            None => {
                let row = TermsRow { sha256: terms.sha256, first: self.now() };
                changes.expect(Table::Terms, key.clone(), Expectation::Absent).put(
                    Table::Terms,
                    key,
                    row.encode()?,
                );
                Ok(())
            }
            Some(raw) if TermsRow::decode(&raw)?.sha256 == terms.sha256 => Ok(()),
            Some(_) => Err(RegisterError::TermsChanged),
        }
    }

    pub(super) async fn make(
        &self,
        sound: Vec<Sound>,
    ) -> Result<Vec<(MadeMailbox, HolderKind)>, RegisterError> {
        let kinds: Vec<_> = sound.iter().map(|sound| sound.kind).collect();
        let new = sound
            .into_iter()
            .map(|sound| {
                let record = RegisterRecord::new(&sound.number, sound.acceptance);
                let side = Zeroizing::new(sound.number.digits().to_vec());
                Ok(NewKeys {
                    mailbox: MailboxId::from_bytes(crate::random::bytes()),
                    record: record.plain()?,
                    person: Some((PseudonymId::from_bytes(crate::random::bytes()), side)),
                    number: sound.number,
                })
            })
            .collect::<Result<_, BadRow>>()?;
        Ok(self.keys().make_mailboxes(new).await?.into_iter().zip(kinds).collect())
    }
}

/// What the unit of work of one or more registrations holds.
pub(super) struct Unit {
    pub(super) changes: Changes,
    pub(super) entry: Entry,
}

impl Unit {
    pub(super) fn new(entry: Entry, terms: &Terms) -> Self {
        Self { changes: Changes::new(), entry: entry.fact(Fact::Digest(terms.sha256)) }
    }

    /// Adds a mailbox: its rows, and in the entry mailbox, pseudonym and commitment.
    pub(super) fn add(
        &mut self,
        made: MadeMailbox,
        kind: HolderKind,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let side = made.side.ok_or(BadRow)?;
        let row = MailboxRow::new(NewMailbox {
            kind,
            registered: now,
            directory_key: made.directory.as_bytes().to_vec(),
            pseudonym: side.person,
            register: made.record,
        });
        let key = made.mailbox.as_bytes().to_vec();
        self.changes.append(made.changes);
        self.changes.expect(Table::Mailbox, key.clone(), Expectation::Absent).put(
            Table::Mailbox,
            key,
            row.encode()?,
        );
        self.entry.subjects.push(Subject::Mailbox(made.mailbox));
        self.entry.subjects.push(Subject::Person(side.person));
        self.entry.facts.push(Fact::Commitment(side.commitment));
        Ok(())
    }
}

/// Somebody else registered the number, or first used the terms, just now.
pub(super) fn already_registered(error: CommitError) -> RegisterError {
    if matches!(error, CommitError::Expectation { table: Table::Directory, .. }) {
        RegisterError::AlreadyRegistered
    } else {
        error.into()
    }
}

/// Row of the *terms* table, under the version's name.
#[derive(serde::Deserialize, serde::Serialize)]
struct TermsRow {
    sha256: [u8; 32],
    /// When somebody first was registered under them.
    first: Timestamp,
}

impl crate::store::Row for TermsRow {
    const VERSION: u8 = 1;
}
