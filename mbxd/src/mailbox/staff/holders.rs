//! Holders and their mailboxes: list, show, suspend, resume, reveal a number.

use super::figures::Contents;
use super::record::{Acceptance, RegisterRecord};
use crate::keys::{DirectoryKey, DirectoryRow, Found, KeysError, Thing};
use crate::mailbox::row::MailboxRow;
use crate::mailbox::service::Mailboxes;
use crate::store::{
    BadRow, Changes, CommitError, Expectation, KeyRange, ReadError, Row as _, Table,
};
use bytes::Bytes;
use mbx_common::audit::{Event, Origin, Subject};
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::MailboxId;
use mbx_common::identity::NationalNumber;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Timestamp;

/// Rows of mailboxes read for one page at most, whatever the filter leaves out.
const ROWS_READ_MAX: usize = 20 * LIST_ROWS_MAX;

/// Why staff did not get what they asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaffError {
    /// No mailbox has this id or number.
    #[error("no such mailbox")]
    NoMailbox,
    /// No delivery has this id.
    #[error("no such delivery")]
    NoDelivery,
    /// It is suspended, closing or active already.
    #[error("the mailbox is {state}")]
    State {
        /// The state it is in.
        state: MailboxState,
    },
    /// Somebody else changed the mailbox at the same time.
    #[error("the mailbox was changed in the meantime")]
    Changed,
    /// The keys.
    #[error("cannot look into the register")]
    Keys(#[from] KeysError),
    /// The store cannot read.
    #[error("cannot read the mailboxes")]
    Read(#[from] ReadError),
    /// The store cannot write.
    #[error("cannot store the change")]
    Commit(#[from] CommitError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] BadRow),
}

impl StaffError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoMailbox | Self::NoDelivery => Kind::NotFound,
            Self::State { .. } | Self::Changed => Kind::Conflict,
            Self::Keys(error) => error.kind(),
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Row(error) => error.kind(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoMailbox => explain::NO_MAILBOX,
            Self::NoDelivery => explain::NO_DELIVERY,
            Self::State { .. } => explain::MAILBOX_STATE,
            Self::Changed | Self::Keys(_) | Self::Read(_) | Self::Commit(_) | Self::Row(_) => {
                explain::generic(self.kind())
            }
        }
    }
}

/// Which holders.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HolderFilter {
    /// Only this state.
    pub state: Option<MailboxState>,
    /// Only this kind.
    pub kind: Option<HolderKind>,
    /// Only registered since.
    pub since: Option<Timestamp>,
    /// Rows at most.
    pub limit: Option<usize>,
    /// Read on after this mailbox.
    pub after: Option<MailboxId>,
}

/// A holder in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, masked; absent while the register cannot be opened.
    pub number: Option<String>,
    /// The kind.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// Since when in this state.
    pub since: Timestamp,
    /// When it was registered.
    pub registered: Timestamp,
    /// Messages and sizes.
    pub contents: Contents,
    /// Key epochs of the basic and the high tier; absent while the directory cannot be read.
    pub epochs: Option<[u32; 2]>,
}

/// One page of holders, by mailbox id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HolderPage {
    /// The holders.
    pub holders: Vec<Holder>,
    /// Where to read on; `None` at the end.
    pub next: Option<MailboxId>,
}

/// A holder in full.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HolderDetail {
    /// What the list shows.
    pub holder: Holder,
    /// The acceptance of the terms; absent while the register cannot be opened.
    pub acceptance: Option<Acceptance>,
    /// Whether these are the terms in force.
    pub current: bool,
}

/// A mailbox whose state was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StateChanged {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its state now.
    pub state: MailboxState,
    /// Position of the entry in the audit log.
    pub audit: u64,
}

impl Mailboxes {
    /// The mailbox of a number.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`]; [`StaffError::Keys`] while numbers cannot be looked up.
    pub async fn find(&self, number: &NationalNumber) -> Result<MailboxId, StaffError> {
        let found = self.keys().find(number).await?.ok_or(StaffError::NoMailbox)?;
        Ok(found.row.mailbox)
    }

    /// Lists holders by mailbox id.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read.
    pub async fn holders(&self, filter: HolderFilter) -> Result<HolderPage, StaffError> {
        let limit = filter.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
        let mut range = KeyRange::all();
        range.from = filter.after.map_or_else(Bytes::new, |id| after(&id));
        let (mut holders, mut read) = (Vec::new(), 0_usize);
        loop {
            let page = self.store().scan(Table::Mailbox, range.clone(), LIST_ROWS_MAX).await?;
            read = read.saturating_add(page.rows.len());
            let mut last = None;
            for (key, raw) in &page.rows {
                let id = MailboxId::from_slice(key).ok_or(BadRow)?;
                let row = MailboxRow::decode(raw)?;
                last = Some(id);
                if !filter.admits(&row) {
                    continue;
                }
                holders.push(self.holder(id, &row).await?.0);
                if holders.len() == limit {
                    return Ok(HolderPage { holders, next: last });
                }
            }
            match last {
                Some(last) if page.more && read < ROWS_READ_MAX => range.from = after(&last),
                last => return Ok(HolderPage { holders, next: last.filter(|_| page.more) }),
            }
        }
    }

    /// Shows one holder, the number masked.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`].
    pub async fn holder_detail(&self, mailbox: MailboxId) -> Result<HolderDetail, StaffError> {
        let row = self.mailbox_row(mailbox).await?.ok_or(StaffError::NoMailbox)?;
        let (holder, record) = self.holder(mailbox, &row).await?;
        let acceptance = record.map(|record| record.acceptance.clone());
        let options = self.options();
        let current =
            acceptance.as_ref().zip(options.terms.as_ref()).is_some_and(|(accepted, terms)| {
                accepted.version == terms.version && accepted.sha256 == terms.sha256
            });
        Ok(HolderDetail { holder, acceptance, current })
    }

    /// Gives a holder's whole number to staff. Its audit entry is durable before.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`]; [`StaffError::Keys`] while the register cannot be opened.
    pub async fn reveal(
        &self,
        mailbox: MailboxId,
        origin: &Origin,
    ) -> Result<NationalNumber, StaffError> {
        let row = self.mailbox_row(mailbox).await?.ok_or(StaffError::NoMailbox)?;
        let number = self.record(mailbox, &row).await?.number()?;
        let entry = origin
            .entry(self.now(), Event::NumberRevealed)
            .about(Subject::Mailbox(mailbox))
            .about(Subject::Person(row.pseudonym));
        self.store().commit(Changes::new(), entry).await?;
        Ok(number)
    }

    /// Stops deliveries to a mailbox; opened keys of it are wiped.
    ///
    /// # Errors
    /// [`StaffError::State`] unless it is active.
    pub async fn suspend(
        &self,
        mailbox: MailboxId,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let turn = Turn {
            from: MailboxState::Active,
            to: MailboxState::Suspended,
            event: Event::MailboxSuspended,
        };
        self.turn(mailbox, turn, origin).await
    }

    /// Takes deliveries again.
    ///
    /// # Errors
    /// [`StaffError::State`] unless it is suspended.
    pub async fn resume(
        &self,
        mailbox: MailboxId,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let turn = Turn {
            from: MailboxState::Suspended,
            to: MailboxState::Active,
            event: Event::MailboxResumed,
        };
        self.turn(mailbox, turn, origin).await
    }

    /// Changes the state in the mailbox's row and in the directory's, in one unit of work.
    async fn turn(
        &self,
        mailbox: MailboxId,
        turn: Turn,
        origin: &Origin,
    ) -> Result<StateChanged, StaffError> {
        let key = mailbox.as_bytes();
        let raw = self.store().get(Table::Mailbox, key).await?.ok_or(StaffError::NoMailbox)?;
        let row = MailboxRow::decode(&raw)?;
        let state = row.state().ok_or(BadRow)?;
        if state != turn.from {
            return Err(StaffError::State { state });
        }
        let found = self.directory(mailbox, &row).await?;
        let directory = DirectoryRow { state: turn.to, ..found.row };
        let value = self.keys().directory_value(&found.key, &directory)?;
        let directory_key = found.key.as_bytes().to_vec();
        let now = self.now();
        let mut changes = Changes::new();
        changes
            .expect(Table::Directory, directory_key.clone(), Expectation::Equals(found.raw))
            .put(Table::Directory, directory_key, value)
            .expect(Table::Mailbox, key.to_vec(), Expectation::Equals(raw))
            .put(Table::Mailbox, key.to_vec(), row.in_state(turn.to, now).encode()?);
        let entry = origin
            .entry(now, turn.event)
            .about(Subject::Mailbox(mailbox))
            .about(Subject::Person(row.pseudonym));
        let audit = match self.store().commit(changes, entry).await {
            Ok(committed) => committed.leaf,
            Err(CommitError::Expectation { .. }) => return Err(StaffError::Changed),
            Err(error) => return Err(error.into()),
        };
        self.keys().forget_mailbox(mailbox);
        Ok(StateChanged { mailbox, state: turn.to, audit })
    }

    /// The directory row that a mailbox row names; refused where it leads to another mailbox.
    pub(super) async fn directory(
        &self,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<Found, StaffError> {
        let key = row.directory_key.as_slice().try_into().map_err(|_| BadRow)?;
        let found = self.keys().find_by_key(DirectoryKey::from_bytes(key)).await?;
        let found = found.ok_or(KeysError::Missing(Thing::DirectoryRow))?;
        if found.row.mailbox == mailbox {
            Ok(found)
        } else {
            Err(KeysError::Altered(Thing::DirectoryRow).into())
        }
    }

    async fn record(
        &self,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<RegisterRecord, StaffError> {
        let plain = self.keys().open_record(mailbox, &row.register).await?;
        Ok(RegisterRecord::decode(&plain)?)
    }

    async fn holder(
        &self,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<(Holder, Option<RegisterRecord>), StaffError> {
        let record = opened(self.record(mailbox, row).await)?;
        let number = record
            .as_ref()
            .map(|record| record.number().map(|number| number.masked()))
            .transpose()?;
        let directory = opened(self.directory(mailbox, row).await)?;
        let holder = Holder {
            mailbox,
            number,
            kind: row.kind().ok_or(BadRow)?,
            state: row.state().ok_or(BadRow)?,
            since: row.since,
            registered: row.registered,
            contents: self.contents(mailbox).await?,
            epochs: directory.map(|found| [found.row.basic.epoch, found.row.high.epoch]),
        };
        Ok((holder, record))
    }
}

/// `None` while the keys are locked: the rest of a row can be shown all the same.
fn opened<T>(outcome: Result<T, StaffError>) -> Result<Option<T>, StaffError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(StaffError::Keys(error)) if matches!(error.kind(), Kind::Unavailable) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A change of state.
#[derive(Clone, Copy)]
struct Turn {
    from: MailboxState,
    to: MailboxState,
    event: Event,
}

impl HolderFilter {
    fn admits(&self, row: &MailboxRow) -> bool {
        self.state.is_none_or(|state| row.state() == Some(state))
            && self.kind.is_none_or(|kind| row.kind() == Some(kind))
            && self.since.is_none_or(|since| row.registered >= since)
    }
}

/// The first key after this mailbox's.
fn after(mailbox: &MailboxId) -> Bytes {
    [mailbox.as_bytes().as_slice(), &[0]].concat().into()
}
