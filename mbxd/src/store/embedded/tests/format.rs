use super::super::record::{Encoded, Record};
use super::*;
use crate::store::embedded::rebuild_index;
use proptest::collection::vec;
use proptest::prelude::*;

const SEED: u32 = 7;

fn encode(encoded: &Encoded, lsn: u64, leaf: u64) -> Vec<u8> {
    let mut bytes = encoded.header(SEED, lsn, leaf).to_vec();
    encoded.pieces().for_each(|piece| bytes.extend_from_slice(piece));
    bytes
}

fn sample() -> Vec<u8> {
    let mut changes = put(5);
    changes.delete(Table::Dedup, "gone");
    changes.expect(Table::Meta, "never stored", Expectation::Absent);
    let contents = vec![content(1, 40), content(2, 0), content(3, 900)];
    encode(&Encoded::new(SEED, &changes, contents, &entry(9)).unwrap(), 12, 11)
}

proptest! {
    /// Encoding and decoding undo each other for any unit.
    #[test]
    fn records_round_trip(
        rows in vec((vec(any::<u8>(), 0..40), proptest::option::of(vec(any::<u8>(), 0..300))), 0..9),
        lens in vec(0..5000_usize, 0..5),
        lsn: u64,
        leaf: u64,
    ) {
        let mut changes = Changes::new();
        for (key, value) in &rows {
            match value {
                Some(value) => changes.put(Table::Key, key.clone(), value.clone()),
                None => changes.delete(Table::Job, key.clone()),
            };
        }
        let contents: Vec<_> = lens.iter().zip(0..).map(|(len, id)| content(id, *len)).collect();
        let encoded = Encoded::new(SEED, &changes, contents, &entry(3)).unwrap();
        let bytes = encode(&encoded, lsn, leaf);
        prop_assert_eq!(len_u64(bytes.len()), encoded.len());
        let record = Record::decode(SEED, &bytes).unwrap();
        prop_assert_eq!((record.lsn, record.leaf, record.len()), (lsn, leaf, len_u64(bytes.len())));
        prop_assert_eq!(record.entry, entry(3).encode());
        let place = record.entry_place();
        prop_assert_eq!(&bytes[span(&place)], record.entry);
        let read: Vec<_> = record.rows().unwrap().into_iter()
            .map(|row| Ok((row.key.to_vec(), row.value.map(|value| { prop_assert_eq!(&bytes[span(&value.part())], value.bytes); Ok(value.bytes.to_vec()) }).transpose()?)))
            .collect::<Result<_, TestCaseError>>()?;
        prop_assert_eq!(read, rows);
        for ((id, place), (len, number)) in record.contents().unwrap().into_iter().zip(lens.iter().zip(0..)) {
            prop_assert_eq!(id, content_id(number));
            let stored = &bytes[span(&place)];
            prop_assert_eq!(stored, content_bytes(number, *len));
        }
        let own = encoded.record(lsn, leaf).unwrap();
        prop_assert_eq!(own.rows(), record.rows());
        prop_assert_eq!(own.contents(), record.contents());
    }
}

#[test]
fn a_truncated_record_is_refused() {
    let bytes = sample();
    assert!(Record::decode(SEED, &bytes).is_some());
    for len in 0..bytes.len() {
        assert!(Record::decode(SEED, &bytes[..len]).is_none(), "{len}");
    }
}

#[test]
fn a_record_with_any_bit_flipped_is_refused() {
    let bytes = sample();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << bit;
            assert!(Record::decode(SEED, &altered).is_none(), "byte {place} bit {bit}");
        }
    }
    assert!(Record::decode(SEED + 1, &bytes).is_none(), "another store's record");
}

/// The example of `docs/formats/log.md`, byte by byte.
#[test]
fn a_record_is_spelled_as_the_page_says() {
    let mut changes = Changes::new();
    changes.put(Table::Meta, "k", "value");
    changes.delete(Table::Job, "j");
    let contents = vec![NewContent { id: content_id(1), pieces: vec!["abc".into()] }];
    let encoded = Encoded::new(SEED, &changes, contents, &entry(1)).unwrap();
    let bytes = encode(&encoded, 5, 4);
    let entry = entry(1).encode();
    assert_eq!(&bytes[..8], b"MBXR\x01\x00\x00\x01");
    assert_eq!(bytes[8..24], [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 4]);
    assert_eq!(bytes[24..28], [0, 0, 0, 19]);
    assert_eq!(bytes[28..32], u32::try_from(entry.len()).unwrap().to_be_bytes());
    assert_eq!(bytes[32..40], [0, 0, 0, 0, 0, 0, 0, 3]);
    let changes = b"\x01\x15\x00\x01k\x00\x00\x00\x05value\x02\x12\x00\x01j";
    assert_eq!(&bytes[48..67], changes);
    assert_eq!(bytes[67..67 + entry.len()], entry);
    let table = &bytes[67 + entry.len()..];
    assert_eq!(&table[..16], content_id(1).as_bytes());
    assert_eq!(table[16..24], [0, 0, 0, 0, 0, 0, 0, 3]);
    assert_eq!(&table[24..], b"abc");
}

#[test]
fn a_newer_store_is_refused_with_one_clear_sentence() {
    let disk = SimulatedDisk::new();
    deliver(&open(&disk), 1, 10).unwrap();
    let (name, mut bytes) = last_segment(&disk);
    bytes[7] = 9;
    let sum = crc32c::crc32c(&bytes[..48]).to_be_bytes();
    bytes[48..52].copy_from_slice(&sum);
    disk.replace(&name, bytes);
    let refused = try_open(&disk).unwrap_err();
    assert_eq!(refused.to_string(), "the store has format 9; this program reads formats up to 1");
}

#[test]
fn a_segment_of_another_store_is_recognised() {
    let (disk, other) = (SimulatedDisk::new(), SimulatedDisk::new());
    deliver(&open(&disk), 1, 10).unwrap();
    deliver(&open(&other), 1, 10).unwrap();
    disk.replace("log/00000001.seg", other.contents("log/00000001.seg").unwrap());
    assert!(matches!(try_open(&disk), Err(OpenError::Stranger { segment: 1 })));
    let mut bytes = disk.contents("log/00000001.seg").unwrap();
    bytes[3] ^= 1;
    disk.replace("log/00000001.seg", bytes);
    let damaged = try_open(&disk).unwrap_err();
    assert_eq!(damaged.to_string(), "the log is damaged: log/00000001.seg at byte 0");
}

#[test]
fn a_lost_index_is_made_again_from_the_log_and_equal() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for number in 0..60 {
        deliver(&engine, number, 2000).unwrap();
    }
    wait(engine.commit(
        {
            let mut changes = Changes::new();
            changes.delete(Table::Message, 7_u64.to_be_bytes().to_vec());
            changes
        },
        Vec::new(),
        entry(60),
    ))
    .unwrap();
    let before = whole(&*engine, 60);
    let killed = disk.after_kill();
    drop(engine);
    for disk in [disk, killed] {
        // By itself while the store opens, or before it.
        let opened = disk.after_kill();
        opened.delete("index.redb");
        assert_eq!(whole(&*open(&opened), 60), before);
        disk.delete("index.redb");
        let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
        let mut reports = Vec::new();
        let units = rebuild_index(&back, &config(), |progress| reports.push(progress)).unwrap();
        assert_eq!(units, 61);
        let last = reports.last().unwrap();
        assert_eq!((last.segments_done, last.units), (last.segments, 61));
        assert!(reports.windows(2).all(|pair| pair[0].units <= pair[1].units));
        let engine = open(&disk);
        assert_eq!(whole(&*engine, 60), before);
        deliver(&engine, 70, 10).unwrap();
    }
}

#[test]
fn an_index_without_its_log_is_refused() {
    let disk = SimulatedDisk::new();
    deliver(&open(&disk), 1, 10).unwrap();
    let (name, _) = last_segment(&disk);
    disk.delete(&name);
    assert!(matches!(try_open(&disk), Err(OpenError::LogMissing { lsn: 1 })));
}
