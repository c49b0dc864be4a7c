//! What stands above the index's file, and what is on its way into it, is read as if it stood
//! there.

use super::super::above::Above;
use super::super::error::IndexError;
use super::super::layers::{Known, Layer};
use super::super::open::start_of;
use super::super::record::Encoded;
use super::super::segment::Segment;
use super::super::walk::Position;
use super::*;
use crate::store::memory::Memory;

/// Units of so many rows that a few of them make a large layer.
const ROWS: u64 = 500;
const UNITS: u64 = 40;

/// Segments and checkpoints so far apart that the layers alone write the index.
fn wide() -> config::Store {
    config::Store {
        segment_size: ByteSize::mib(8),
        checkpoint_bytes: ByteSize::mib(64),
        ..config()
    }
}

/// Rows of one unit: some of them overwrite or remove rows of units before.
fn unit(number: u64) -> Changes {
    let mut changes = Changes::new();
    for row in 0..ROWS {
        let key = ((number * 131 + row * 7) % 4001).to_be_bytes().to_vec();
        if (row + number).is_multiple_of(5) {
            changes.delete(Table::Message, key);
        } else {
            changes.put(Table::Message, key, row_of(number * 1000 + row));
        }
    }
    changes
}

/// What the engine reads around a place that depends on the number.
fn readings(engine: &dyn Engine, number: u64) -> String {
    let from = (number * 977 % 4001).to_be_bytes();
    let scan = |backwards, limit| {
        let (from, until) = if backwards { (None, Some(from)) } else { (Some(from), None) };
        let range = KeyRange {
            from: from.map_or(Bytes::new(), |from| Bytes::copy_from_slice(&from)),
            until: until.map(|until| Bytes::copy_from_slice(&until)),
            backwards,
        };
        format!("{:?}", wait(engine.scan(Table::Message, range, limit)))
    };
    let row = wait(engine.get(Table::Message, &from));
    let contents = wait(engine.contents(Some(content_id(number / 2)), 5));
    let leaves = wait(engine.leaves(number.saturating_sub(7), 5));
    format!("{row:?} {} {} {contents:?} {leaves:?}", scan(false, 9), scan(true, 9))
}

#[test]
fn rows_on_their_way_into_the_file_are_read_as_everywhere_else() {
    let disk = SimulatedDisk::new();
    let engine = Embedded::open(Arc::new(disk.clone()), &wide()).unwrap();
    let judge = Memory::new();
    for number in 0..UNITS {
        let both: [&dyn Engine; 2] = [&*engine, &judge];
        for engine in both {
            wait(engine.commit(unit(number), vec![content(number, 300)], entry(number))).unwrap();
        }
        assert_eq!(readings(&*engine, number), readings(&judge, number), "after unit {number}");
    }
    let all = whole(&judge, UNITS);
    assert_eq!(whole(&*engine, UNITS), all);
    let killed = Embedded::open(Arc::new(disk.after_kill()), &wide()).unwrap();
    assert_eq!(whole(&*killed, UNITS), all);
    drop(engine);
    let closed = Embedded::open(Arc::new(disk), &wide()).unwrap();
    assert_eq!(whole(&*closed, UNITS), all);
}

#[test]
fn a_layer_that_cannot_be_written_stays_readable_and_is_told_of() {
    let refuse = |_: &Layer| Err(IndexError::senseless("this test"));
    let above = Above::new(1, refuse).unwrap();
    let progress = start_of(&Segment { store: [1; 16], number: 1, first_lsn: 1, first_leaf: 0 });
    let mut changes = Changes::new();
    changes.put(Table::Message, "key", "value");
    let encoded = Encoded::new(0, &changes, Vec::new(), &entry(1)).unwrap();
    let take_in = |leaf| {
        let record = encoded.record(leaf + 1, leaf).unwrap();
        above.take_in([(Position { segment: 1, offset: 0 }, record)].into_iter(), &progress)
    };
    take_in(0).unwrap();
    assert!(above.settle().is_err());
    assert!(above.settle().is_err());
    assert!((1..9).any(|leaf| take_in(leaf).is_err()));
    let key = [&[Table::Message.number()], b"key".as_slice()].concat();
    assert!(matches!(above.layers().row(&key), Some(Known::Written(_))));
    assert_eq!(above.layers().leaves(0, 1).len(), 1);
}
