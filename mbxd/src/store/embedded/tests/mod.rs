//! The embedded engine, on the simulated disk and a real one.

mod basics;
mod crash;
mod damage;
mod far;
mod faults;
mod format;
mod layers;
mod space;
mod written;

use super::{Embedded, OpenError};
use crate::config;
use crate::config::value::{ByteSize, Span};
use crate::store::back_end::simulated::SimulatedDisk;
use crate::store::back_end::{BackEnd, len_u64};
use crate::store::*;
use bytes::Bytes;
use mbx_common::audit::tree::{Tree, leaf_hash};
use mbx_common::audit::{Actor, Entry, Event, Fact};
use mbx_common::id::ContentId;
use mbx_common::time::Timestamp;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

/// Small segments, so that a short script fills several; no checkpoint by the clock.
fn config() -> config::Store {
    config::Store {
        segment_size: ByteSize::bytes(32 * 1024),
        checkpoint_interval: Span::secs(86_400),
        checkpoint_bytes: ByteSize::bytes(12 * 1024),
        index_cache: ByteSize::mib(1),
        stop_deliveries_below: ByteSize::bytes(0),
        stop_writes_below: ByteSize::bytes(0),
        ..config::Store::default()
    }
}

/// Segments so small that a few deliveries fill one.
fn tight() -> config::Store {
    config::Store {
        segment_size: ByteSize::bytes(6 * 1024),
        checkpoint_bytes: ByteSize::bytes(4 * 1024),
        ..config()
    }
}

/// Lengths that fill segments unevenly.
fn len_of(number: u64) -> usize {
    usize::try_from(100 + number * 977 % 2700).unwrap()
}

fn try_open(disk: &SimulatedDisk) -> Result<Arc<Embedded>, OpenError> {
    Embedded::open(Arc::new(disk.clone()), &config())
}

fn open(disk: &SimulatedDisk) -> Arc<Embedded> {
    try_open(disk).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn entry(number: u64) -> Entry {
    let time = Timestamp::from_millis(1_795_000_000_000 + number).unwrap();
    Entry::new(time, Event::MailboxRegistered, Actor::Daemon).fact(Fact::Count(number))
}

fn content_id(number: u64) -> ContentId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    ContentId::from_bytes(id)
}

/// Bytes that tell their owner, in pieces.
fn content(number: u64, len: usize) -> NewContent {
    let whole = content_bytes(number, len);
    let pieces = whole.chunks(700).map(Bytes::copy_from_slice).collect();
    NewContent { id: content_id(number), pieces }
}

fn content_bytes(number: u64, len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((number * 31 + len_u64(at) / 7) % 251).unwrap()).collect()
}

/// A row that tells its owner; every fourth stands in the log only.
fn row_of(number: u64) -> String {
    if number % 4 == 3 { format!("row {number:700}") } else { format!("row {number}") }
}

fn put(number: u64) -> Changes {
    let mut changes = Changes::new();
    changes.put(Table::Message, number.to_be_bytes().to_vec(), row_of(number));
    changes
}

/// A delivery: its content, a row that names it, an expectation that it is new.
fn deliver(engine: &Embedded, number: u64, len: usize) -> Result<Committed, CommitError> {
    let mut changes = put(number);
    changes.expect(Table::Message, number.to_be_bytes().to_vec(), Expectation::Absent);
    wait(engine.commit(changes, vec![content(number, len)], entry(number)))
}

/// Checks that a delivery is there whole, or not there at all; says which.
fn delivered(engine: &Embedded, number: u64, len: usize) -> bool {
    let row = wait(engine.get(Table::Message, &number.to_be_bytes())).unwrap();
    let stored = wait(engine.content(content_id(number), 0..u64::MAX));
    let Some(row) = row else {
        assert!(matches!(stored, Err(ReadError::NoContent)), "content without its row");
        return false;
    };
    assert_eq!(row, row_of(number));
    assert_eq!(stored.unwrap(), content_bytes(number, len), "content of {number}");
    true
}

/// Checks that leaves and tree agree, and gives the number of leaves.
fn check_tree(engine: &Embedded) -> u64 {
    let (size, root) = wait(engine.tree()).unwrap();
    let leaves = wait(engine.leaves(0, usize::MAX)).unwrap();
    assert_eq!(len_u64(leaves.len()), size);
    let mut tree = Tree::new();
    for leaf in &leaves {
        tree.push(leaf_hash(leaf));
    }
    assert_eq!((tree.size(), tree.root()), (size, root));
    size
}

/// Everything a store holds, for comparison.
#[derive(Debug, PartialEq)]
struct Whole {
    rows: Vec<(Table, Bytes, Bytes)>,
    contents: Vec<Option<Bytes>>,
    leaves: Vec<Bytes>,
    tree: (u64, [u8; 32]),
}

fn whole(engine: &dyn Engine, contents: u64) -> Whole {
    let mut rows = Vec::new();
    for table in Table::ALL {
        let page = wait(engine.scan(table, KeyRange::all(), usize::MAX)).unwrap();
        assert!(!page.more);
        rows.extend(page.rows.into_iter().map(|(key, value)| (table, key, value)));
    }
    Whole {
        rows,
        contents: (0..contents)
            .map(|number| wait(engine.content(content_id(number), 0..u64::MAX)).ok())
            .collect(),
        leaves: wait(engine.leaves(0, usize::MAX)).unwrap(),
        tree: wait(engine.tree()).unwrap(),
    }
}

/// The segments' names in order.
fn segments(disk: &SimulatedDisk) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.starts_with("log/")).collect()
}

/// A range of a file as one in memory.
fn span(range: &Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
}

/// The last segment's name and bytes.
fn last_segment(disk: &SimulatedDisk) -> (String, Vec<u8>) {
    let name = segments(disk).pop().unwrap();
    let bytes = disk.contents(&name).unwrap();
    (name, bytes)
}
