//! Engines as the programmes open and judge them.

use bytes::Bytes;
use mbx_common::audit::tree::{Tree, leaf_hash};
use mbxd::config;
use mbxd::config::value::{ByteSize, Span};
use mbxd::store::back_end::simulated::SimulatedDisk;
use mbxd::store::embedded::{Embedded, OpenError};
use mbxd::store::{Engine, KeyRange, ReadError, Table};
use sha2::{Digest, Sha256};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Small segments and many checkpoints, so that a short load meets all that happens; nothing by the
/// clock, so that it meets the same each time.
pub(super) fn config() -> config::Store {
    config::Store {
        segment_size: ByteSize::bytes(24 * 1024),
        checkpoint_interval: Span::secs(86_400),
        checkpoint_bytes: ByteSize::bytes(16 * 1024),
        index_cache: ByteSize::mib(1),
        stop_deliveries_below: ByteSize::bytes(0),
        stop_writes_below: ByteSize::bytes(0),
        ..config::Store::default()
    }
}

/// The same without a cache: what is read is read from the disk.
pub(super) fn uncached() -> config::Store {
    config::Store { index_cache: ByteSize::bytes(0), ..config() }
}

/// Opens the store of a disk.
pub(super) fn open(disk: &SimulatedDisk) -> Result<Arc<Embedded>, OpenError> {
    Embedded::open(Arc::new(disk.clone()), &config())
}

/// What an error says, with its causes.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an engine's answer without a runtime: it reads on this very thread then.
pub(super) fn wait<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    loop {
        match answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

/// What can be wrong with all that an engine holds.
#[derive(Debug)]
pub(super) enum Unsound {
    /// It could not be read.
    Read(ReadError),
    /// Two things that it says do not fit together.
    Inconsistent(&'static str),
}

impl From<ReadError> for Unsound {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

/// How many units of work an engine holds, and the SHA-256 of all that it answers: rows, contents,
/// audit entries, tree.
pub(super) fn whole(engine: &dyn Engine) -> Result<(u64, [u8; 32]), Unsound> {
    let mut hash = Sha256::new();
    let mut take = |bytes: &[u8]| {
        hash.update(bytes.len().to_be_bytes());
        hash.update(bytes);
    };
    for table in Table::ALL {
        take(format!("{table:?}").as_bytes());
        for (key, value) in wait(engine.scan(table, KeyRange::all(), usize::MAX))?.rows {
            if wait(engine.get(table, &key))?.as_ref() != Some(&value) {
                return Err(Unsound::Inconsistent("a row that a scan shows is not found"));
            }
            take(&key);
            take(&value);
        }
    }
    for (id, len) in wait(engine.contents(None, usize::MAX))? {
        let content = wait(engine.content(id, 0..u64::MAX))?;
        if u64::try_from(content.len()) != Ok(len) {
            return Err(Unsound::Inconsistent("a content has another length than its list says"));
        }
        take(id.as_bytes());
        take(&content);
    }
    let (size, root) = wait(engine.tree())?;
    let leaves: Vec<Bytes> = wait(engine.leaves(0, usize::MAX))?;
    let mut tree = Tree::new();
    for leaf in &leaves {
        tree.push(leaf_hash(leaf));
    }
    if (tree.size(), tree.root()) != (size, root) {
        return Err(Unsound::Inconsistent("the audit entries do not give the tree"));
    }
    take(&root);
    Ok((size, hash.finalize().into()))
}
