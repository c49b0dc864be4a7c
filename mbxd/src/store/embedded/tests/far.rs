//! Long values, which stand in the log only.

use super::super::files::Files;
use super::super::index::Index;
use super::super::place::VALUE_HERE_MAX;
use super::super::progress::{FORMAT, Progress};
use super::super::segment::{self, FIRST_GROUP};
use super::super::walk::{Position, Walk};
use super::basics::check_all;
use super::*;

const KEY: &[u8] = b"long";

/// A value just too long for the index.
fn long(byte: u8) -> Vec<u8> {
    let mut value = vec![byte; VALUE_HERE_MAX];
    value.push(!byte);
    value
}

fn set(engine: &Embedded, value: Vec<u8>, expected: Expectation) -> Result<Committed, CommitError> {
    let mut changes = Changes::new();
    changes.expect(Table::Directory, KEY, expected);
    changes.put(Table::Directory, KEY, value);
    wait(engine.commit(changes, Vec::new(), entry(1)))
}

fn found(engine: &Embedded) -> Result<Option<Bytes>, ReadError> {
    wait(engine.get(Table::Directory, KEY))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_long_value_is_not_written_a_second_time() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    set(&engine, long(0xa7), Expectation::Absent).unwrap();
    let mut changes = Changes::new();
    changes.put(Table::Meta, "short", vec![0xb8; VALUE_HERE_MAX]);
    wait(engine.commit(changes, Vec::new(), entry(2))).unwrap();
    drop(engine);
    let index = disk.contents("index.redb").unwrap();
    assert!(!holds(&index, &[0xa7; 40]));
    assert!(holds(&index, &[0xb8; VALUE_HERE_MAX]));
    assert!(holds(&last_segment(&disk).1, &long(0xa7)));
    assert_eq!(found(&open(&disk)).unwrap().unwrap(), long(0xa7));
}

#[test]
fn a_long_value_is_expected_replaced_and_removed_like_any_other() {
    let engine = open(&SimulatedDisk::new());
    set(&engine, long(1), Expectation::Absent).unwrap();
    let refused = set(&engine, long(2), Expectation::Equals(long(2).into())).unwrap_err();
    let CommitError::Expectation { found: told, .. } = refused else { panic!("{refused}") };
    assert_eq!(told.unwrap(), long(1));
    set(&engine, long(2), Expectation::Equals(long(1).into())).unwrap();
    assert_eq!(found(&engine).unwrap().unwrap(), long(2));
    set(&engine, vec![3], Expectation::Equals(long(2).into())).unwrap();
    assert_eq!(found(&engine).unwrap().unwrap(), vec![3]);
    set(&engine, long(4), Expectation::Equals(vec![3].into())).unwrap();
    let mut changes = Changes::new();
    changes.delete(Table::Directory, KEY);
    wait(engine.commit(changes, Vec::new(), entry(3))).unwrap();
    assert_eq!(found(&engine).unwrap(), None);
    set(&engine, long(5), Expectation::Absent).unwrap();
    assert_eq!(check_all(&engine), (6, Vec::new(), 0));
}

#[test]
fn a_long_value_damaged_in_the_log_is_told_and_nothing_else_suffers() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    deliver(&engine, 1, 100).unwrap();
    set(&engine, long(0xa7), Expectation::Absent).unwrap();
    deliver(&engine, 2, 100).unwrap();
    drop(engine);
    let (name, mut bytes) = last_segment(&disk);
    let place = bytes.windows(40).position(|window| window == [0xa7; 40]).unwrap() + 300;
    bytes[place] ^= 1;
    disk.replace(&name, bytes);
    let engine = open(&disk);
    assert!(matches!(found(&engine), Err(ReadError::Damaged)));
    let scanned = wait(engine.scan(Table::Directory, KeyRange::all(), 10));
    assert!(matches!(scanned, Err(ReadError::Damaged)));
    // Nothing is decided on what cannot be read.
    let refused = set(&engine, long(1), Expectation::Equals(long(0xa7).into()));
    assert!(matches!(refused, Err(CommitError::Unavailable)), "{refused:?}");
    assert!((1..3).all(|number| delivered(&engine, number, 100)));
    deliver(&engine, 3, 100).unwrap();
    assert_eq!(engine.health(), Health::Serving);
}

#[test]
fn an_index_that_leads_a_long_value_elsewhere_is_found_out() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    set(&engine, long(1), Expectation::Absent).unwrap();
    drop(engine);
    let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
    let segments = segment::list(&*back).unwrap();
    let from = Position { segment: 1, offset: FIRST_GROUP };
    let mut walk = Walk::new(&*back, &segments, from, (0, 0), None).unwrap();
    let group = walk.next_group().unwrap().unwrap();
    let index = Index::open(back.open("index.redb").unwrap(), 1 << 20).unwrap();
    let progress = index.progress().unwrap();
    let beside = |at: Position| Position { offset: at.offset + 1, ..at };
    let records = group.records().map(|(at, record)| (beside(at), record));
    index.apply(records, &progress).unwrap();
    index.checkpoint().unwrap();
    drop(index);
    let engine = open(&disk);
    assert!(matches!(found(&engine), Err(ReadError::Damaged)));
    // The value and the entry.
    assert_eq!(check_all(&engine), (1, Vec::new(), 2));
}

#[test]
fn a_segment_that_cannot_be_read_is_no_damage() {
    let disk = SimulatedDisk::new();
    set(&open(&disk), long(1), Expectation::Absent).unwrap();
    let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
    let index = Index::open(back.open("index.redb").unwrap(), 1 << 20).unwrap();
    let value = index.get(Table::Directory, KEY).unwrap().unwrap();
    let files = Files::new(back);
    disk.fail(0, 1, back_end::simulated::Fault::Io);
    assert!(matches!(files.value(value.clone()), Err(ReadError::Unavailable)));
    assert_eq!(files.value(value).unwrap(), long(1));
}

#[test]
fn an_index_of_another_format_is_refused_with_the_way_out() {
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    let index = Index::open(Arc::new(disk.clone()).open("index.redb").unwrap(), 1 << 20).unwrap();
    let mut bytes = index.progress().unwrap().encode();
    bytes[0] = FORMAT - 1;
    let refused = Progress::decode(&bytes).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the index has format 1, this program's is 2; make it again from the log with \
         `mbxd --rebuild-index`"
    );
    assert!(matches!(Progress::decode(&[]), Err(OpenError::IndexDamaged(None))));
    bytes[0] = FORMAT;
    assert!(matches!(Progress::decode(&bytes[..20]), Err(OpenError::IndexDamaged(None))));
}
