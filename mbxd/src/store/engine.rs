//! The seam between the daemon and what keeps its data.

use super::back_end::len_u64;
use super::change::{Changes, Table};
use super::error::{CommitError, ReadError};
use super::report::{Checked, Health, Space, Stats};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::audit::Entry;
use mbx_common::id::ContentId;
use std::ops::Range;
use std::sync::Arc;

/// Ciphertext to be kept in the same unit of work as the rows that name it.
#[derive(Clone, Debug)]
pub struct NewContent {
    /// Its name; never used before.
    pub id: ContentId,
    /// The whole content as stored: header and chunks (`docs/formats/mbx1.md`), in pieces that
    /// follow one another, so that nothing must be copied together.
    pub pieces: Vec<Bytes>,
}

impl NewContent {
    /// Length of all pieces in bytes.
    pub fn len(&self) -> u64 {
        self.pieces.iter().fold(0, |len, piece| len.saturating_add(len_u64(piece.len())))
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a durable commit tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Committed {
    /// Log sequence number of the unit.
    pub lsn: u64,
    /// Position of its audit entry: the leaf's index in the tree, from 0.
    pub leaf: u64,
}

/// Which keys a scan visits, in ascending byte order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRange {
    /// First key that belongs to it.
    pub from: Bytes,
    /// First key after it; `None` = to the end of the table.
    pub until: Option<Bytes>,
    /// Whether to begin at the end and go backwards.
    pub backwards: bool,
}

impl KeyRange {
    /// The whole table.
    pub const fn all() -> Self {
        Self { from: Bytes::new(), until: None, backwards: false }
    }

    /// Every key that begins with the prefix.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut until = prefix.to_vec();
        while let Some(last) = until.pop() {
            if let Some(next) = last.checked_add(1) {
                until.push(next);
                break;
            }
        }
        let until = if until.is_empty() { None } else { Some(Bytes::from(until)) };
        Self { from: Bytes::copy_from_slice(prefix), until, backwards: false }
    }

    /// The same keys from the end.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }
}

/// Rows of one scan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// Keys and values in the order asked for.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether the range holds more rows than these.
    pub more: bool,
}

/// Everything the daemon persists. `commit` returning `Ok` means: durable.
pub trait Engine: Send + Sync {
    /// Does one unit of work, all or none, with its audit entry; returns when it is durable.
    fn commit(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> BoxFuture<'_, Result<Committed, CommitError>>;

    /// Reads one row.
    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>>;

    /// Reads at most `limit` rows of a range.
    fn scan(
        &self,
        table: Table,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, ReadError>>;

    /// Reads bytes `range` of a stored content; fewer where it ends before.
    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ReadError>>;

    /// Number of leaves in the audit tree and its root (RFC 6962), both durable.
    fn tree(&self) -> BoxFuture<'_, Result<(u64, [u8; 32]), ReadError>>;

    /// Encoded audit entries (`docs/formats/audit-entry.md`) from leaf `first` on, at most `limit`.
    fn leaves(&self, first: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Bytes>, ReadError>>;

    /// Ids and lengths of at most `limit` stored contents, in ascending order from behind `after`.
    fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(ContentId, u64)>, ReadError>>;

    /// Checks one segment of the log, `None` = the first: every checksum, and that the index leads
    /// to what each record holds. What the index holds itself, short values, is not compared.
    fn check(&self, segment: Option<u32>) -> BoxFuture<'_, Result<Checked, ReadError>>;

    /// Space used and left.
    fn space(&self) -> Space;

    /// What was done since the start.
    fn stats(&self) -> Stats;

    /// Whether it serves.
    fn health(&self) -> Health;
}

/// A handle on the engine, cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<dyn Engine>);

impl Store {
    /// Wraps an engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine)
    }

    /// Commits changes and their audit entry: the only way to change state.
    ///
    /// ```
    /// use mbx_common::audit::Entry;
    /// use mbxd::store::{Changes, CommitError, Store};
    ///
    /// async fn act(store: &Store, changes: Changes, entry: Entry) -> Result<(), CommitError> {
    ///     store.commit(changes, entry).await.map(|_| ())
    /// }
    /// ```
    ///
    /// An act without its entry is no program:
    ///
    /// ```compile_fail,E0061
    /// use mbxd::store::{Changes, CommitError, Store};
    ///
    /// async fn act(store: &Store, changes: Changes) -> Result<(), CommitError> {
    ///     store.commit(changes).await.map(|_| ())
    /// }
    /// ```
    ///
    /// nor is one whose entry may be missing:
    ///
    /// ```compile_fail,E0308
    /// use mbx_common::audit::Entry;
    /// use mbxd::store::{Changes, CommitError, Store};
    ///
    /// async fn act(store: &Store, changes: Changes, entry: Option<Entry>) -> Result<(), CommitError> {
    ///     store.commit(changes, entry).await.map(|_| ())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`CommitError`]; nothing was done then.
    pub async fn commit(&self, changes: Changes, entry: Entry) -> Result<Committed, CommitError> {
        self.0.commit(changes, Vec::new(), entry).await
    }

    /// The same with contents that the changed rows name.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was done then.
    pub async fn commit_with(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> Result<Committed, CommitError> {
        self.0.commit(changes, contents, entry).await
    }

    /// Reads one row.
    ///
    /// # Errors
    /// [`ReadError`] where the disk fails or the row is damaged.
    pub async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        self.0.get(table, key).await
    }

    /// Reads at most `limit` rows of a range.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn scan(
        &self,
        table: Table,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.0.scan(table, range, limit).await
    }

    /// Reads a byte range of a stored content.
    ///
    /// # Errors
    /// [`ReadError`]; `NoContent` where nothing has this id.
    pub async fn content(&self, id: ContentId, range: Range<u64>) -> Result<Bytes, ReadError> {
        self.0.content(id, range).await
    }

    /// Size and root of the audit tree.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn tree(&self) -> Result<(u64, [u8; 32]), ReadError> {
        self.0.tree().await
    }

    /// Encoded audit entries from leaf `first` on.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn leaves(&self, first: u64, limit: usize) -> Result<Vec<Bytes>, ReadError> {
        self.0.leaves(first, limit).await
    }

    /// Ids and lengths of stored contents, ascending, from behind `after`.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> Result<Vec<(ContentId, u64)>, ReadError> {
        self.0.contents(after, limit).await
    }

    /// Checks one segment of the log, `None` = the first; begin again with [`Checked::next`].
    ///
    /// # Errors
    /// As [`Store::get`]; damage found is no error but in [`Checked`].
    pub async fn check(&self, segment: Option<u32>) -> Result<Checked, ReadError> {
        self.0.check(segment).await
    }

    /// Space used and left.
    pub fn space(&self) -> Space {
        self.0.space()
    }

    /// What was done since the start.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Whether it serves.
    pub fn health(&self) -> Health {
        self.0.health()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}
