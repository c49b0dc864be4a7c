//! Holders and their mailboxes as staff see them. What tells who a holder is leaves its entry in the
//! audit log before it is given out (K4.8, K4.9).

use super::error::StaffError;
use super::figures::Figures;
use super::record::{Acceptance, RegisterRecord};
use crate::keys::{DirectoryKey, Found, KeysError, Thing};
use crate::mailbox::row::MailboxRow;
use crate::mailbox::service::Mailboxes;
use crate::store::{BadRow, Changes, KeyRange, Row as _, Table};
use bytes::Bytes;
use mbx_common::audit::{Event, Fact, Origin, Outcome, Subject};
use mbx_common::error::Kind;
use mbx_common::explain;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::{MailboxId, PseudonymId};
use mbx_common::identity::NationalNumber;
use mbx_common::limit::{LIST_ROWS_DEFAULT, LIST_ROWS_MAX};
use mbx_common::time::Timestamp;
use std::fmt;

/// Rows of mailboxes read for one page at most, whatever the filter leaves out.
const ROWS_READ_MAX: usize = 20 * LIST_ROWS_MAX;

/// Message rows that one page of figures counts through before it ends early.
const COUNTED_ROWS_MAX: u64 = 20_000;

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

/// How much of holders' numbers is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Numbers {
    /// Nothing; no entry then.
    Hidden,
    /// The date of birth, the rest masked.
    Masked,
    /// Everything.
    Whole,
}

/// A number as staff are shown it, masked or whole. No `Debug` of its text.
#[derive(Clone, Eq, PartialEq)]
pub struct ShownNumber(String);

impl ShownNumber {
    /// The text for the answer.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for ShownNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownNumber(redacted)")
    }
}

/// A holder: what one row tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, where it was to be shown; absent while the register cannot be opened.
    pub number: Option<ShownNumber>,
    /// The kind.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// Since when in this state.
    pub since: Timestamp,
    /// When it was registered.
    pub registered: Timestamp,
}

/// One page of holders, by mailbox id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HolderPage {
    /// The holders.
    pub holders: Vec<Holder>,
    /// Where to read on; `None` at the end.
    pub next: Option<MailboxId>,
}

/// One page of mailboxes, by id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailboxPage {
    /// The mailboxes, with their figures where these were wanted.
    pub mailboxes: Vec<(Holder, Option<Figures>)>,
    /// Where to read on; `None` at the end.
    pub next: Option<MailboxId>,
}

/// A holder in full.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HolderDetail {
    /// What the list shows.
    pub holder: Holder,
    /// Messages, sizes, key epochs.
    pub figures: Figures,
    /// The acceptance of the terms; absent while the register cannot be opened.
    pub acceptance: Option<Acceptance>,
    /// Whether these are the terms in force.
    pub current: bool,
}

/// Rows of mailboxes as a filter admits them.
struct Rows {
    rows: Vec<(MailboxId, MailboxRow)>,
    next: Option<MailboxId>,
}

impl Mailboxes {
    /// The mailbox of a number, for staff. Leaves an entry, also where there is none: that nobody
    /// has this number is told of a person too.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`]; [`StaffError::Keys`] while numbers cannot be looked up.
    pub async fn find(
        &self,
        number: &NationalNumber,
        origin: &Origin,
    ) -> Result<MailboxId, StaffError> {
        let found = self.keys().find(number).await?.map(|found| found.row.mailbox);
        let mut entry = origin.entry(self.now(), Event::NumberLookedUp);
        match found {
            Some(mailbox) => {
                let row = self.mailbox_row(mailbox).await?.ok_or(BadRow)?;
                entry.subjects.extend(subjects(mailbox, row.pseudonym));
            }
            None => {
                entry = entry.outcome(Outcome::Failed).fact(Fact::Code(explain::NO_MAILBOX.0));
            }
        }
        self.store().commit(Changes::new(), entry).await?;
        found.ok_or(StaffError::NoMailbox)
    }

    /// Lists holders by mailbox id: one row read for each, and where numbers are shown the row of
    /// the keys that open them. Unless numbers are hidden, one entry names every holder shown.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read; [`StaffError::Keys`] where whole numbers are
    /// wanted while the register cannot be opened.
    pub async fn list_holders(
        &self,
        filter: HolderFilter,
        numbers: Numbers,
        origin: &Origin,
    ) -> Result<HolderPage, StaffError> {
        let Rows { rows, next } = self.admitted(filter).await?;
        let mut holders = Vec::with_capacity(rows.len());
        for (mailbox, row) in &rows {
            holders.push(self.holder(*mailbox, row, numbers).await?.0);
        }
        self.shown(&rows, (numbers, Event::HoldersListed), origin).await?;
        Ok(HolderPage { holders, next })
    }

    /// Lists mailboxes by id, without numbers. With `figures` their message rows are counted; such
    /// a page ends early rather than count without end.
    ///
    /// # Errors
    /// [`StaffError`] where a row cannot be read.
    pub async fn list_mailboxes(
        &self,
        filter: HolderFilter,
        figures: bool,
    ) -> Result<MailboxPage, StaffError> {
        let Rows { rows, next } = self.admitted(filter).await?;
        let (mut mailboxes, mut counted) = (Vec::with_capacity(rows.len()), 0_u64);
        for (mailbox, row) in &rows {
            let (holder, _) = self.holder(*mailbox, row, Numbers::Hidden).await?;
            let figures = if figures { Some(self.figures(*mailbox, row).await?) } else { None };
            let all = figures.map_or(0, |figures| figures.contents.rows());
            counted = counted.saturating_add(all);
            mailboxes.push((holder, figures));
            if counted >= COUNTED_ROWS_MAX {
                break;
            }
        }
        let whole = mailboxes.len() == rows.len();
        let last = mailboxes.last().map(|(holder, _)| holder.mailbox);
        Ok(MailboxPage { mailboxes, next: if whole { next } else { last } })
    }

    /// Shows one mailbox, without its holder's number.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`].
    pub async fn show_mailbox(&self, mailbox: MailboxId) -> Result<(Holder, Figures), StaffError> {
        let row = self.mailbox_row(mailbox).await?.ok_or(StaffError::NoMailbox)?;
        let (holder, _) = self.holder(mailbox, &row, Numbers::Hidden).await?;
        Ok((holder, self.figures(mailbox, &row).await?))
    }

    /// Shows one holder. Its entry is durable before.
    ///
    /// # Errors
    /// [`StaffError::NoMailbox`]; [`StaffError::Keys`] where the whole number is wanted while the
    /// register cannot be opened.
    pub async fn show_holder(
        &self,
        mailbox: MailboxId,
        numbers: Numbers,
        origin: &Origin,
    ) -> Result<HolderDetail, StaffError> {
        let row = self.mailbox_row(mailbox).await?.ok_or(StaffError::NoMailbox)?;
        let (holder, record) = self.holder(mailbox, &row, numbers).await?;
        let figures = self.figures(mailbox, &row).await?;
        let acceptance = record.map(|record| record.acceptance.clone());
        let options = self.options();
        let current =
            acceptance.as_ref().zip(options.terms.as_ref()).is_some_and(|(accepted, terms)| {
                accepted.version == terms.version && accepted.sha256 == terms.sha256
            });
        self.shown(&[(mailbox, row)], (numbers, Event::HolderShown), origin).await?;
        Ok(HolderDetail { holder, figures, acceptance, current })
    }

    /// Records who was shown, under this event, or as revealed where numbers are whole.
    async fn shown(
        &self,
        rows: &[(MailboxId, MailboxRow)],
        (numbers, masked): (Numbers, Event),
        origin: &Origin,
    ) -> Result<(), StaffError> {
        let event = match numbers {
            Numbers::Hidden => return Ok(()),
            Numbers::Masked => masked,
            Numbers::Whole => Event::NumberRevealed,
        };
        if rows.is_empty() {
            return Ok(());
        }
        let mut entry = origin.entry(self.now(), event);
        entry.subjects = rows.iter().flat_map(|(id, row)| subjects(*id, row.pseudonym)).collect();
        self.store().commit(Changes::new(), entry).await?;
        Ok(())
    }

    /// The rows that a filter admits, and where to read on.
    async fn admitted(&self, filter: HolderFilter) -> Result<Rows, StaffError> {
        let limit = filter.limit.unwrap_or(LIST_ROWS_DEFAULT).clamp(1, LIST_ROWS_MAX);
        let mut range = KeyRange::all();
        range.from = filter.after.map_or_else(Bytes::new, |id| after(&id));
        let (mut rows, mut read) = (Vec::new(), 0_usize);
        // Without a filter a page costs as many rows as it shows.
        let step = if filter.admits_all() { limit } else { LIST_ROWS_MAX };
        loop {
            let page = self.store().scan(Table::Mailbox, range.clone(), step).await?;
            read = read.saturating_add(page.rows.len());
            let (mut last, len) = (None, page.rows.len());
            for (place, (key, raw)) in (1..).zip(&page.rows) {
                let id = MailboxId::from_slice(key).ok_or(BadRow)?;
                let row = MailboxRow::decode(raw)?;
                last = Some(id);
                if !filter.admits(&row) {
                    continue;
                }
                rows.push((id, row));
                if rows.len() == limit {
                    let next = last.filter(|_| page.more || place < len);
                    return Ok(Rows { rows, next });
                }
            }
            match last {
                Some(last) if page.more && read < ROWS_READ_MAX => range.from = after(&last),
                last => return Ok(Rows { rows, next: last.filter(|_| page.more) }),
            }
        }
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

    async fn figures(&self, mailbox: MailboxId, row: &MailboxRow) -> Result<Figures, StaffError> {
        let directory = opened(self.directory(mailbox, row).await)?;
        let epochs = directory.map(|found| [found.row.basic.epoch, found.row.high.epoch]);
        Ok(Figures { contents: self.contents(mailbox).await?, epochs })
    }

    async fn holder(
        &self,
        mailbox: MailboxId,
        row: &MailboxRow,
        numbers: Numbers,
    ) -> Result<(Holder, Option<RegisterRecord>), StaffError> {
        let record = match numbers {
            Numbers::Hidden => None,
            Numbers::Masked => opened(self.record(mailbox, row).await)?,
            Numbers::Whole => Some(self.record(mailbox, row).await?),
        };
        let number = record.as_ref().map(|record| {
            let number = record.number()?;
            let whole = numbers == Numbers::Whole;
            Ok(ShownNumber(if whole { number.expose() } else { number.masked() }))
        });
        let holder = Holder {
            mailbox,
            number: number.transpose().map_err(|error: BadRow| error)?,
            kind: row.kind().ok_or(BadRow)?,
            state: row.state().ok_or(BadRow)?,
            since: row.since,
            registered: row.registered,
        };
        Ok((holder, record))
    }
}

/// A holder as an entry names it.
pub(super) const fn subjects(mailbox: MailboxId, person: PseudonymId) -> [Subject; 2] {
    [Subject::Mailbox(mailbox), Subject::Person(person)]
}

/// `None` while the keys are locked: the rest of a row can be shown all the same.
fn opened<T>(outcome: Result<T, StaffError>) -> Result<Option<T>, StaffError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(StaffError::Keys(error)) if matches!(error.kind(), Kind::Unavailable) => Ok(None),
        Err(error) => Err(error),
    }
}

impl HolderFilter {
    const fn admits_all(&self) -> bool {
        self.state.is_none() && self.kind.is_none() && self.since.is_none()
    }

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
