//! The list of senders: kept in the store, judged from memory.

use super::entitlement::{self, Claim, NotEntitled, Rows};
use super::row::{Dispatcher, Sender, Standing};
use crate::clock::Clock;
use crate::store::{
    BadRow, Changes, CommitError, Expectation, KeyRange, ReadError, Row as _, Store, Table,
};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Actor, Event, Fact, Origin, Subject};
use mbx_common::error::Kind;
use mbx_common::identity::OrganisationNumber;
use mbx_common::limit::NOTE_LEN_MAX;
use mbx_common::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};

/// Most dispatchers of one sender: the largest authorities use a handful.
const DISPATCHERS_MAX: usize = 64;

/// Rows read at a time when the list is loaded.
const PAGE_ROWS: usize = 1000;

/// Why the list of senders was not changed or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// Nobody ever allowed or blocked this organisation.
    #[error("the organisation is not on the list of senders")]
    Unknown,
    /// More than 64 dispatchers.
    #[error("a sender can have at most {DISPATCHERS_MAX} dispatchers")]
    TooManyDispatchers,
    /// A dispatcher is the sender itself, or is given no right.
    #[error("a dispatcher is another organisation and may sign, seal or both")]
    Dispatcher,
    /// `notify` can have class 1 or 2.
    #[error("messages by notify have protection class 1 or 2")]
    Class,
    /// The note is longer than it may be.
    #[error("a note has at most {NOTE_LEN_MAX} bytes")]
    Note,
    /// The end of a SHA-1 exception lies in the past or more than a year ahead.
    #[error("an exception for SHA-1 ends in the future, within a year")]
    Sha1End,
    /// A stored row cannot be read.
    #[error("a stored sender is damaged")]
    Damaged,
    /// The list cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The change or its audit entry was not written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl SenderError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::TooManyDispatchers
            | Self::Dispatcher
            | Self::Class
            | Self::Note
            | Self::Sha1End => Kind::Usage,
            Self::Damaged => Kind::Corrupt,
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }
}

/// What staff change of a sender; what is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Dispatchers to add, or to give other rights.
    pub dispatchers: Vec<Dispatcher>,
    /// Dispatchers to remove.
    pub remove: Vec<OrganisationNumber>,
    /// Protection class of `notify` messages: 1 or 2.
    pub notify_class: Option<ProtectionClass>,
    /// Until when SHA-1 is accepted; `Some(None)` ends the exception now.
    pub sha1_until: Option<Option<Timestamp>>,
    /// A note.
    pub note: Option<String>,
}

impl Change {
    /// Longest SHA-1 exception, so that one is looked at again each year.
    const SHA1_MS_MAX: u64 = 366 * 86_400_000;

    fn check(&self, organisation: OrganisationNumber, now: Timestamp) -> Result<(), SenderError> {
        let sound = |dispatcher: &Dispatcher| {
            dispatcher.organisation != organisation && (dispatcher.may_sign || dispatcher.may_seal)
        };
        if !self.dispatchers.iter().all(sound) {
            return Err(SenderError::Dispatcher);
        }
        if self.notify_class == Some(ProtectionClass::Three) {
            return Err(SenderError::Class);
        }
        if self.note.as_ref().is_some_and(|note| note.len() > NOTE_LEN_MAX) {
            return Err(SenderError::Note);
        }
        if let Some(Some(end)) = self.sha1_until
            && (end <= now || end.since(now) > Self::SHA1_MS_MAX)
        {
            return Err(SenderError::Sha1End);
        }
        Ok(())
    }

    fn apply(self, sender: &mut Sender) -> Result<(), SenderError> {
        sender.dispatchers.retain(|known| {
            !self.remove.contains(&known.organisation)
                && !self.dispatchers.iter().any(|new| new.organisation == known.organisation)
        });
        sender.dispatchers.extend(self.dispatchers);
        sender.dispatchers.sort_by_key(|dispatcher| dispatcher.organisation);
        sender.dispatchers.dedup_by_key(|dispatcher| dispatcher.organisation);
        if sender.dispatchers.len() > DISPATCHERS_MAX {
            return Err(SenderError::TooManyDispatchers);
        }
        sender.notify_class = self.notify_class.unwrap_or(sender.notify_class);
        sender.sha1_until = self.sha1_until.unwrap_or(sender.sha1_until);
        if self.note.is_some() {
            sender.note = self.note;
        }
        Ok(())
    }
}

/// A sender that staff changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The sender now.
    pub sender: Sender,
    /// Position of the entry in the audit log.
    pub audit: u64,
}

/// The list of senders: cheap to clone.
#[derive(Clone)]
pub struct Senders(Arc<Inner>);

struct Inner {
    rows: RwLock<Arc<Rows>>,
    /// One change at a time, so that memory follows the store.
    changing: tokio::sync::Mutex<()>,
    store: Store,
    clock: Clock,
}

impl Senders {
    /// Loads the list.
    ///
    /// # Errors
    /// [`SenderError::Read`] or [`SenderError::Damaged`]: without the list nobody may deliver.
    pub async fn open(store: Store, clock: Clock) -> Result<Self, SenderError> {
        let rows = RwLock::new(Arc::new(load(&store).await?));
        Ok(Self(Arc::new(Inner { rows, changing: tokio::sync::Mutex::new(()), store, clock })))
    }

    /// Judges a signed and sealed delivery; gives the sender's row.
    ///
    /// # Errors
    /// [`NotEntitled`].
    pub fn entitled(&self, claim: &Claim) -> Result<Sender, NotEntitled> {
        entitlement::delivery(&self.rows(), claim).cloned()
    }

    /// Judges a `notify`; gives the sender's row, with the protection class of its messages.
    ///
    /// # Errors
    /// [`NotEntitled`].
    pub fn entitled_to_notify(
        &self,
        sender: OrganisationNumber,
        client: OrganisationNumber,
    ) -> Result<Sender, NotEntitled> {
        entitlement::notify(&self.rows(), sender, client).cloned()
    }

    /// Whether signatures with SHA-1 are accepted from this sender today.
    pub fn sha1_allowed(&self, sender: OrganisationNumber) -> bool {
        let now = self.0.clock.now();
        self.rows().get(&sender).and_then(|row| row.sha1_until).is_some_and(|end| now < end)
    }

    /// Every sender, by number.
    pub fn list(&self) -> Vec<Sender> {
        self.rows().values().cloned().collect()
    }

    /// One sender.
    ///
    /// # Errors
    /// [`SenderError::Unknown`].
    pub fn show(&self, organisation: OrganisationNumber) -> Result<Sender, SenderError> {
        self.rows().get(&organisation).cloned().ok_or(SenderError::Unknown)
    }

    /// Lets an organisation send, with these changes; an allowed one stays allowed.
    ///
    /// # Errors
    /// [`SenderError`]; nothing was changed then.
    pub async fn allow(
        &self,
        organisation: OrganisationNumber,
        change: Change,
        origin: &Origin,
    ) -> Result<Changed, SenderError> {
        self.put(organisation, Standing::Allowed, change, origin).await
    }

    /// Blocks an organisation: it neither sends nor acts for others. Its settings are kept.
    ///
    /// # Errors
    /// [`SenderError`]; nothing was changed then.
    pub async fn block(
        &self,
        organisation: OrganisationNumber,
        note: Option<String>,
        origin: &Origin,
    ) -> Result<Changed, SenderError> {
        let change = Change { note, ..Change::default() };
        self.put(organisation, Standing::Blocked, change, origin).await
    }

    async fn put(
        &self,
        organisation: OrganisationNumber,
        standing: Standing,
        change: Change,
        origin: &Origin,
    ) -> Result<Changed, SenderError> {
        let _changing = self.0.changing.lock().await;
        let now = self.0.clock.now();
        change.check(organisation, now)?;
        let rows = self.rows();
        let old = rows.get(&organisation);
        let mut sender = old.cloned().unwrap_or_else(|| Sender::new(organisation, standing, now));
        change.apply(&mut sender)?;
        sender.standing = standing;
        sender.changed = now;
        sender.changed_by =
            if let Actor::Operator(operator) = origin.actor { Some(operator) } else { None };
        let expected = match old {
            Some(old) => Expectation::Equals(row(old)?),
            None => Expectation::Absent,
        };
        let key = Bytes::copy_from_slice(organisation.digits());
        let mut changes = Changes::new();
        changes.expect(Table::Sender, key.clone(), expected);
        changes.put(Table::Sender, key, row(&sender)?);
        let audit = self.0.store.commit(changes, entry(&sender, origin, now)).await?.leaf;
        let mut rows = Rows::clone(&rows);
        rows.insert(organisation, sender.clone());
        *self.0.rows.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rows);
        Ok(Changed { sender, audit })
    }

    fn rows(&self) -> Arc<Rows> {
        Arc::clone(&self.0.rows.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Senders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Senders({})", self.rows().len())
    }
}

async fn load(store: &Store) -> Result<Rows, SenderError> {
    let mut rows = Rows::new();
    let mut range = KeyRange::all();
    loop {
        let page = store.scan(Table::Sender, range.clone(), PAGE_ROWS).await?;
        let last = page.rows.last().map(|(key, _)| key.clone());
        for (_, row) in page.rows {
            let sender = Sender::decode(&row).map_err(|BadRow| SenderError::Damaged)?;
            rows.insert(sender.organisation, sender);
        }
        match last {
            Some(last) if page.more => {
                // The next key in byte order is the last one with a zero byte behind it.
                range.from = [last.as_ref(), &[0]].concat().into();
            }
            _ => return Ok(rows),
        }
    }
}

fn row(sender: &Sender) -> Result<Bytes, SenderError> {
    sender.encode().map_err(|BadRow| SenderError::Damaged)
}

/// The entry names the sender, then its dispatchers, and proves the row by its digest.
fn entry(sender: &Sender, origin: &Origin, now: Timestamp) -> mbx_common::audit::Entry {
    use sha2::Digest as _;
    let event = match sender.standing {
        Standing::Allowed => Event::SenderAllowed,
        Standing::Blocked => Event::SenderBlocked,
    };
    let mut entry = origin.entry(now, event).about(Subject::Organisation(sender.organisation));
    for dispatcher in &sender.dispatchers {
        entry = entry.about(Subject::Organisation(dispatcher.organisation));
    }
    if let Some(end) = sender.sha1_until {
        entry = entry.fact(Fact::Moment(end));
    }
    entry = entry.fact(Fact::Class(sender.notify_class.number()));
    match sender.encode() {
        Ok(row) => entry.fact(Fact::Digest(sha2::Sha256::digest(row).into())),
        Err(BadRow) => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::ORGANISATIONS;
    use super::*;
    use crate::store::memory::Memory;
    use mbx_common::id::OperatorId;

    const NOW: &str = "2026-06-01T12:00:00Z";

    fn organisation(index: usize) -> OrganisationNumber {
        ORGANISATIONS[index].parse().unwrap()
    }

    fn clock() -> Clock {
        Clock::manual(NOW.parse().unwrap())
    }

    fn staff() -> Origin {
        Origin::of(Actor::Operator(OperatorId::from_bytes([7; 16])))
    }

    fn seals(index: usize) -> Dispatcher {
        Dispatcher { organisation: organisation(index), may_sign: false, may_seal: true }
    }

    async fn senders() -> (Senders, Arc<Memory>) {
        let memory = Arc::new(Memory::new());
        (Senders::open(Store::new(memory.clone()), clock()).await.unwrap(), memory)
    }

    fn claim(sealer: usize) -> Claim {
        Claim {
            sender: organisation(0),
            signer: organisation(0),
            sealer: organisation(sealer),
            client: organisation(sealer),
        }
    }

    #[tokio::test]
    async fn whom_staff_allow_may_deliver_at_once_and_after_a_restart() {
        let (senders, memory) = senders().await;
        assert_eq!(senders.entitled(&claim(1)), Err(NotEntitled::SenderUnknown));
        let change = Change { dispatchers: vec![seals(1)], ..Change::default() };
        senders.allow(organisation(0), change, &staff()).await.unwrap();
        assert!(senders.entitled(&claim(1)).is_ok());
        let again = Senders::open(Store::new(memory), clock()).await.unwrap();
        assert_eq!(again.list(), senders.list());
        assert!(again.entitled(&claim(1)).is_ok());
    }

    #[tokio::test]
    async fn blocking_keeps_the_settings_and_allowing_again_brings_them_back() {
        let (senders, memory) = senders().await;
        let change = Change {
            dispatchers: vec![seals(1)],
            notify_class: Some(ProtectionClass::Two),
            ..Change::default()
        };
        senders.allow(organisation(0), change, &staff()).await.unwrap();
        senders.block(organisation(0), Some("agreed".to_owned()), &staff()).await.unwrap();
        assert_eq!(senders.entitled(&claim(1)), Err(NotEntitled::Blocked));
        let row = senders.allow(organisation(0), Change::default(), &staff()).await.unwrap().sender;
        assert_eq!(row.notify_class, ProtectionClass::Two);
        assert_eq!(row.note.as_deref(), Some("agreed"));
        assert!(senders.entitled(&claim(1)).is_ok());
        let events: Vec<Event> = memory.entries().iter().map(|entry| entry.event).collect();
        assert_eq!(events, [Event::SenderAllowed, Event::SenderBlocked, Event::SenderAllowed]);
        assert_eq!(row.changed_by, Some(OperatorId::from_bytes([7; 16])));
    }

    #[tokio::test]
    async fn a_dispatcher_gets_other_rights_or_is_removed() {
        let (senders, _) = senders().await;
        let change = Change { dispatchers: vec![seals(1), seals(2)], ..Change::default() };
        senders.allow(organisation(0), change, &staff()).await.unwrap();
        let signs = Dispatcher { may_sign: true, ..seals(1) };
        let change =
            Change { dispatchers: vec![signs], remove: vec![organisation(2)], ..Change::default() };
        let row = senders.allow(organisation(0), change, &staff()).await.unwrap().sender;
        assert_eq!(row.dispatchers, [signs]);
    }

    #[tokio::test]
    async fn what_cannot_be_audited_does_not_happen() {
        let (senders, memory) = senders().await;
        memory.refuse(Some(CommitError::Unavailable));
        let allowed = senders.allow(organisation(0), Change::default(), &staff()).await;
        assert!(matches!(allowed, Err(SenderError::Commit(_))));
        assert_eq!(senders.entitled(&claim(0)), Err(NotEntitled::SenderUnknown));
    }

    #[tokio::test]
    async fn a_sha1_exception_ends_by_itself() {
        let memory = Arc::new(Memory::new());
        let clock = clock();
        let senders = Senders::open(Store::new(memory), clock.clone()).await.unwrap();
        let end = clock.now().plus_millis(1000);
        let change = Change { sha1_until: Some(Some(end)), ..Change::default() };
        senders.allow(organisation(0), change, &staff()).await.unwrap();
        assert!(senders.sha1_allowed(organisation(0)));
        assert!(!senders.sha1_allowed(organisation(1)));
        clock.advance(1000);
        assert!(!senders.sha1_allowed(organisation(0)));
    }

    #[tokio::test]
    async fn changes_that_make_no_sense_are_refused() {
        let (senders, memory) = senders().await;
        let now = clock().now();
        let refused = async |change| {
            senders.allow(organisation(0), change, &staff()).await.unwrap_err().kind()
        };
        let changes = [
            Change { dispatchers: vec![seals(0)], ..Change::default() },
            Change {
                dispatchers: vec![Dispatcher { may_seal: false, ..seals(1) }],
                ..Change::default()
            },
            Change { notify_class: Some(ProtectionClass::Three), ..Change::default() },
            Change { note: Some("n".repeat(NOTE_LEN_MAX + 1)), ..Change::default() },
            Change { sha1_until: Some(Some(now)), ..Change::default() },
            Change {
                sha1_until: Some(Some(now.plus_millis(400 * 86_400_000))),
                ..Change::default()
            },
        ];
        for change in changes {
            assert_eq!(refused(change).await, Kind::Usage);
        }
        assert!(memory.entries().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_sender_is_not_found_and_a_damaged_row_stops_the_list() {
        let (senders, memory) = senders().await;
        let shown = senders.show(organisation(0)).unwrap_err();
        assert_eq!(shown.kind(), Kind::NotFound);
        let store = Store::new(memory);
        let mut changes = Changes::new();
        changes.put(Table::Sender, organisation(0).digits().to_vec(), vec![9, 9]);
        let entry = staff().entry(clock().now(), Event::SenderAllowed);
        store.commit(changes, entry).await.unwrap();
        let opened = Senders::open(store, clock()).await;
        assert!(matches!(opened, Err(SenderError::Damaged)));
    }
}
