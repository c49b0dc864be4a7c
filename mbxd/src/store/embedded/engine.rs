//! The engine's handle: starting the committer, reading, closing.

use super::check::check;
use super::committer::Committer;
use super::error::{IndexError, OpenError};
use super::index::Found;
use super::open::Opened;
use super::options::Options;
use super::queue::Pending;
use super::rebuild::{RebuildProgress, open_or_renew};
use super::record::Encoded;
use super::shared::Shared;
use super::space::Class;
use crate::config;
use crate::store::back_end::{BackEnd, Lock};
use crate::store::change::{Changes, Table};
use crate::store::engine::{Committed, Engine, KeyRange, NewContent, Page};
use crate::store::error::{CommitError, ReadError};
use crate::store::report::{Checked, Health, Space, Stats};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mbx_common::audit::Entry;
use mbx_common::id::ContentId;
use std::future::ready;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Rows that a scan reads on the caller's thread where the index holds their values: they are
/// nearly always in memory.
const SCAN_INLINE_MAX: usize = 256;

/// The lock file.
const LOCK: &str = "lock";

/// The store in a folder of its own.
pub struct Embedded {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
    #[expect(dead_code, reason = "held as long as the engine lives")]
    lock: Box<dyn Lock>,
}

/// Takes the lock of the folder.
pub(super) fn lock(back: &dyn BackEnd) -> Result<Box<dyn Lock>, OpenError> {
    back.lock(LOCK).map_err(|error| {
        if error.kind() == ErrorKind::WouldBlock { OpenError::InUse } else { OpenError::Io(error) }
    })
}

impl Embedded {
    /// Opens the store, or makes one in an empty folder. Blocks while the log past the last
    /// checkpoint is replayed, and while an index that is missing, damaged or of an older format is
    /// made again from the log.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(back: Arc<dyn BackEnd>, config: &config::Store) -> Result<Arc<Self>, OpenError> {
        Self::open_telling(back, config, |_| ())
    }

    /// As [`Embedded::open`]; tells how far it is while the whole log is read.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_telling(
        back: Arc<dyn BackEnd>,
        config: &config::Store,
        mut report: impl FnMut(RebuildProgress),
    ) -> Result<Arc<Self>, OpenError> {
        let options = Options::from(config);
        let lock = lock(&*back)?;
        let Opened { index, writer, progress } = open_or_renew(&back, &options, &mut report)?;
        let shared = Arc::new(Shared::new(back, options, writer.seed(), index));
        shared.count_used(writer.reserve()?)?;
        let committer = Committer::new(Arc::clone(&shared), writer, progress);
        let thread = std::thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(move || committer.run())?;
        Ok(Arc::new(Self { shared, committer: Mutex::new(Some(thread)), lock }))
    }

    /// Ends in order: what waits is done and answered, the index made durable. Blocks until then.
    /// Later commits are refused as closed.
    pub fn close(&self) {
        self.shared.queue.close();
        let thread = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the committer ended by a defect");
        }
    }

    fn admit(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: &Entry,
    ) -> Result<oneshot::Receiver<Result<Committed, CommitError>>, CommitError> {
        match self.shared.health() {
            Health::Serving => {}
            Health::Recovering => return Err(CommitError::Unavailable),
            Health::Damaged | Health::Closed => return Err(CommitError::Closed),
        }
        let encoded = Encoded::new(self.shared.seed, &changes, contents, entry)?;
        // A disk that does not tell its free space will tell when it is full.
        let free = self.shared.back.free_bytes().unwrap_or(u64::MAX);
        self.shared.options.watermarks.admit(Class::of(&encoded, entry), free)?;
        let (answer, answered) = oneshot::channel();
        self.shared.queue.push(Pending { changes, encoded, answer });
        Ok(answered)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

impl Engine for Embedded {
    fn commit(
        &self,
        changes: Changes,
        contents: Vec<NewContent>,
        entry: Entry,
    ) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            let answered = self.admit(changes, contents, &entry)?;
            answered.await.unwrap_or(Err(CommitError::Unavailable))
        })
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, ReadError>> {
        let value = match self.shared.with_index(|index| index.get(table, key)) {
            Ok(Some(value)) => value,
            Ok(None) => return Box::pin(ready(Ok(None))),
            Err(error) => return Box::pin(ready(Err(error))),
        };
        if let Some(value) = self.shared.files.value_now(&value) {
            return Box::pin(ready(Ok(Some(value))));
        }
        let shared = Arc::clone(&self.shared);
        apart(move || shared.files.value(value).map(Some))
    }

    fn scan(
        &self,
        table: Table,
        range: KeyRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Page, ReadError>> {
        let shared = Arc::clone(&self.shared);
        if limit > SCAN_INLINE_MAX {
            return apart(move || {
                page(&shared, shared.with_index(|index| index.scan(table, &range, limit))?)
            });
        }
        match shared.with_index(|index| index.scan(table, &range, limit)) {
            Err(error) => Box::pin(ready(Err(error))),
            Ok(found) if found.is_here() => Box::pin(ready(page(&shared, found))),
            Ok(found) => apart(move || page(&shared, found)),
        }
    }

    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ReadError>> {
        let place = match self.shared.with_index(|index| index.content(id)) {
            Ok(Some(place)) => place.part(range),
            Ok(None) => return Box::pin(ready(Err(ReadError::NoContent))),
            Err(error) => return Box::pin(ready(Err(error))),
        };
        if let Some(bytes) = self.shared.files.read_now(place) {
            return Box::pin(ready(Ok(bytes)));
        }
        let shared = Arc::clone(&self.shared);
        apart(move || shared.files.read(place))
    }

    fn tree(&self) -> BoxFuture<'_, Result<(u64, [u8; 32]), ReadError>> {
        Box::pin(ready(Ok(self.shared.tree())))
    }

    fn leaves(&self, first: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Bytes>, ReadError>> {
        let shared = Arc::clone(&self.shared);
        apart(move || {
            let places = shared.with_index(|index| index.leaves(first, limit))?;
            places.into_iter().map(|place| shared.files.far(place)).collect()
        })
    }

    fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(ContentId, u64)>, ReadError>> {
        let shared = Arc::clone(&self.shared);
        apart(move || shared.with_index(|index| index.contents(after, limit)))
    }

    fn check(&self, segment: Option<u32>) -> BoxFuture<'_, Result<Checked, ReadError>> {
        let shared = Arc::clone(&self.shared);
        apart(move || check(&shared, segment))
    }

    fn space(&self) -> Space {
        let free = self.shared.back.free_bytes().unwrap_or(u64::MAX);
        self.shared.options.watermarks.space(self.shared.used_bytes(), free)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }

    fn health(&self) -> Health {
        self.shared.health()
    }
}

/// Follows the rows of a scan to their values.
fn page(shared: &Shared, found: Found) -> Result<Page, ReadError> {
    let follow = |(key, value)| Ok((key, shared.files.value(value)?));
    let rows = found.rows.into_iter().map(follow).collect::<Result<_, ReadError>>()?;
    Ok(Page { rows, more: found.more })
}

/// Runs a read that may wait for the disk apart from the runtime's workers, where there is one.
fn apart<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> BoxFuture<'static, Result<T, ReadError>> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => {
            let task = runtime.spawn_blocking(read);
            Box::pin(async move { task.await.unwrap_or(Err(ReadError::Unavailable)) })
        }
        Err(_) => Box::pin(ready(read())),
    }
}

impl From<IndexError> for ReadError {
    fn from(error: IndexError) -> Self {
        tracing::error!(error = %error.0, "the index cannot be read");
        if error.is_damage() { Self::Damaged } else { Self::Unavailable }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("health", &self.shared.health()).finish_non_exhaustive()
    }
}
