//! Long values, which stand in the log only.

use super::super::files::Files;
use super::super::index::Index;
use super::super::index_file::IndexFile;
use super::super::options::Options;
use super::super::place::VALUE_HERE_MAX;
use super::super::progress::{FORMAT, Progress};
use super::super::segment::{self, FIRST_GROUP};
use super::super::walk::{End, Position, Walk};
use super::basics::check_all;
use super::*;
use redb::ReadableTable as _;
use redb::TableDefinition;

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
fn no_worker_waits_for_a_long_value() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    set(&engine, long(1), Expectation::Absent).unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    disk.probe(Some(Box::new(move |_, _| _ = told.send(std::thread::current().id()))));
    let row = wait(async { engine.get(Table::Directory, KEY).await });
    assert_eq!(row.unwrap().unwrap(), long(1));
    disk.probe(None);
    let readers: Vec<_> = heard.iter().collect();
    assert!(!readers.is_empty());
    assert!(!readers.contains(&std::thread::current().id()));
}

#[test]
fn a_long_value_is_the_same_from_memory_and_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let back = Arc::new(back_end::Disk::new(folder.path()));
    let engine = Embedded::open(back, &config()).unwrap();
    set(&engine, long(1), Expectation::Absent).unwrap();
    // The first reading opens the segment's file.
    for _ in 0..3 {
        assert_eq!(found(&engine).unwrap().unwrap(), long(1));
    }
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
    let mut walk = Walk::new(&*back, &segments, from, (0, 0), End::NotBefore(0)).unwrap();
    let group = walk.next_group().unwrap().unwrap();
    let index = Index::open(back.open("index.redb").unwrap(), &Options::from(&config())).unwrap();
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
    let index = Index::open(back.open("index.redb").unwrap(), &Options::from(&config())).unwrap();
    let value = index.get(Table::Directory, KEY).unwrap().unwrap();
    let files = Files::new(back);
    disk.fail(0, 1, back_end::simulated::Fault::Io);
    assert!(matches!(files.value(value.clone()), Err(ReadError::Unavailable)));
    assert_eq!(files.value(value).unwrap(), long(1));
}

/// Gives the index's note another format, and the index a row that is in no log.
fn reformat(disk: &SimulatedDisk, format: u8) {
    let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
    let file = IndexFile::open(back.open("index.redb").unwrap()).unwrap();
    let db = redb::Database::builder().create_with_backend(file).unwrap();
    let txn = db.begin_write().unwrap();
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    let rows = TableDefinition::<&[u8], &[u8]>::new("rows");
    let mut meta = txn.open_table(meta).unwrap();
    let mut bytes = meta.get("progress").unwrap().unwrap().value().to_vec();
    bytes[0] = format;
    meta.insert("progress", bytes.as_slice()).unwrap();
    drop(meta);
    let key = [&[Table::Message.number()], &b"from of old"[..]].concat();
    txn.open_table(rows).unwrap().insert(key.as_slice(), &b"?"[..]).unwrap();
    txn.commit().unwrap();
}

#[test]
fn an_index_of_an_older_format_is_made_again_while_the_store_opens() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for number in 0..60 {
        deliver(&engine, number, 2000).unwrap();
    }
    let before = whole(&*engine, 60);
    let killed = disk.after_kill();
    drop(engine);
    for disk in [disk, killed] {
        reformat(&disk, FORMAT - 1);
        let mut told = Vec::new();
        let back = Arc::new(disk.clone());
        let engine = Embedded::open_telling(back, &config(), |done| told.push(done)).unwrap();
        assert_eq!(whole(&*engine, 60), before);
        assert!(told.windows(2).all(|pair| pair[0].units <= pair[1].units));
        let last = told.last().unwrap();
        assert!(last.segments > 2 && last.segments_done + 2 >= last.segments, "{last:?}");
        deliver(&engine, 70, 10).unwrap();
        drop(engine);
        assert!(delivered(&open(&disk), 70, 10));
    }
}

#[test]
fn an_index_from_before_its_blocks_had_checksums_is_made_again() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    (0..5).for_each(|number| _ = deliver(&engine, number, 100).unwrap());
    let before = whole(&*engine, 5);
    drop(engine);
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    drop(redb::Database::create(&old).unwrap());
    disk.replace("index.redb", std::fs::read(old).unwrap());
    assert_eq!(whole(&*open(&disk), 5), before);
}

#[test]
fn making_an_older_index_again_can_be_cut_off_anywhere() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for number in 0..30 {
        deliver(&engine, number, 2000).unwrap();
    }
    let before = whole(&*engine, 30);
    drop(engine);
    reformat(&disk, FORMAT - 1);
    let whole_run = disk.after_kill();
    let begun = whole_run.operations();
    drop(open(&whole_run));
    for operation in 0..whole_run.operations() - begun {
        let disk = disk.after_kill();
        disk.fail(operation, u64::MAX, back_end::simulated::Fault::Io);
        drop(try_open(&disk));
        disk.heal();
        assert_eq!(whole(&*open(&disk.after_power_loss(operation)), 30), before);
    }
}

#[test]
fn an_index_of_a_newer_format_is_refused_and_left_alone() {
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    reformat(&disk, FORMAT + 1);
    for _ in 0..2 {
        let refused = try_open(&disk).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the index has format 4; this program reads formats up to 3"
        );
    }
}

#[test]
fn a_senseless_note_of_the_index_is_damage() {
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    let index =
        Index::open(Arc::new(disk.clone()).open("index.redb").unwrap(), &Options::from(&config()))
            .unwrap();
    let bytes = index.progress().unwrap().encode();
    assert!(matches!(Progress::decode(&[]), Err(OpenError::IndexDamaged(None))));
    assert!(matches!(Progress::decode(&bytes[..20]), Err(OpenError::IndexDamaged(None))));
}
