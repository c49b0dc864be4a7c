//! How much is written for what is stored.

use super::*;
use futures_util::future::join_all;

/// As a delivery to one mailbox: its rows, a manifest and a body, its entry. Ids begin with the
/// time, marks and mailboxes are random.
fn delivery(number: u64) -> (Changes, Vec<NewContent>, Entry) {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let time = number.to_be_bytes();
    let id = |kind: u8| [&time[2..], &random, &[kind; 2]].concat();
    let mark = [random, time, random, time].concat();
    let mut changes = Changes::new();
    changes.expect(Table::Dedup, mark.clone(), Expectation::Absent);
    changes.put(Table::Dedup, mark.clone(), vec![1; 26]);
    changes.put(Table::Message, [&random[..], &random, &time].concat(), vec![2; 1360]);
    changes.put(Table::MessagePlace, id(3), [&random[..], &random, &time].concat());
    changes.put(Table::Delivery, id(4), vec![4; 220]);
    changes.put(Table::DeliveryByTime, [time.to_vec(), id(4)].concat(), vec![5; 3]);
    changes.put(Table::SenderMessage, [mark.clone(), id(4)].concat(), vec![]);
    changes.put(Table::Retention, [&[1], &time[..], &mark].concat(), vec![]);
    let new = |kind: u8, len: usize| NewContent {
        id: ContentId::from_slice(&id(kind)).unwrap(),
        pieces: vec![vec![kind; len].into()],
    };
    (changes, vec![new(1, 300), new(2, 100)], entry(number))
}

/// Length of a delivery as benchmarks take it, and deliveries between two checkpoints by bytes.
const DELIVERY_LEN: u64 = 50 * 1024;
const BATCH: u64 = 128 * 1024 * 1024 / DELIVERY_LEN;

#[test]
fn less_than_a_tenth_of_a_delivery_is_written_on_top_of_it() {
    let disk = SimulatedDisk::new();
    // As by default, for contents that are short here to spare memory.
    let config = config::Store {
        checkpoint_bytes: ByteSize::bytes(BATCH * 3000),
        segment_size: ByteSize::mib(128),
        index_cache: ByteSize::mib(64),
        ..config()
    };
    let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    let begun = (disk.written("index"), disk.written("log"));
    let mut contents = 0;
    for group in 0..4 * BATCH / 64 {
        let units = (0..64).map(|number| {
            let (changes, new, entry) = delivery(group * 64 + number);
            contents += new.iter().map(NewContent::len).sum::<u64>();
            engine.commit(changes, new, entry)
        });
        for done in wait(join_all(units)) {
            done.unwrap();
        }
    }
    engine.close();
    let (index, log) = (disk.written("index") - begun.0, disk.written("log") - begun.1);
    let deliveries = engine.stats().units;
    let (index, on_top) = (index / deliveries, (log - contents) / deliveries);
    println!("{deliveries} deliveries: each {on_top} bytes of log on top, {index} of index");
    assert!(engine.stats().checkpoints >= 3);
    assert!(index + on_top < DELIVERY_LEN / 10, "{on_top} of log, {index} of index");
}
