use super::*;
use crate::store::back_end::simulated::{Fault, SimulatedDisk};
use crate::store::back_end::{BackEnd, Disk};
use bytes::Bytes;
use proptest::prelude::*;

const NAME: &str = "keyring/00000001.ring";

fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.make_folder("keyring").unwrap();
    disk
}

fn records(texts: &[&str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

fn all(file: &Records) -> Vec<(u64, Bytes)> {
    let (mut found, mut from) = (Vec::new(), Some(0));
    while let Some(at) = from {
        let page = file.scan(at).unwrap();
        found.extend(page.records);
        from = page.next;
    }
    found
}

#[test]
fn records_are_read_by_position_and_scanned_in_order_across_openings() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path());
    let file = Records::open(&disk, "ring").unwrap();
    assert_eq!(file.scan(0).unwrap(), ScanPage::default());
    let mut positions = file.append(&records(&["one", "", "three"])).unwrap();
    drop(file);
    let file = Records::open(&disk, "ring").unwrap();
    positions.extend(file.append(&records(&["four"])).unwrap());
    let expected: Vec<_> =
        positions.iter().copied().zip(records(&["one", "", "three", "four"])).collect();
    assert_eq!(all(&file), expected);
    for (position, record) in expected {
        assert_eq!(file.read(position).unwrap(), record);
    }
}

#[test]
fn one_append_costs_one_sync() {
    let disk = disk();
    let file = Records::open(&disk, NAME).unwrap();
    let before = disk.syncs("");
    file.append(&vec![Bytes::from_static(b"secret"); 1000]).unwrap();
    assert_eq!(disk.syncs("") - before, 1);
}

#[test]
fn empty_and_oversized_batches_are_refused() {
    let file = Records::open(&disk(), NAME).unwrap();
    assert!(matches!(file.append(&[]), Err(RecordsError::TooLarge)));
    let long = Bytes::from(vec![0; RECORD_LEN_MAX + 1]);
    assert!(matches!(file.append(&[long]), Err(RecordsError::TooLarge)));
    let many = vec![Bytes::new(); BATCH_RECORDS_MAX + 1];
    assert!(matches!(file.append(&many), Err(RecordsError::TooLarge)));
}

#[test]
fn a_position_that_no_record_has_is_refused() {
    let file = Records::open(&disk(), NAME).unwrap();
    let positions = file.append(&records(&["one", "two"])).unwrap();
    for position in 0..file.len_bytes() + 2 {
        assert_eq!(file.read(position).is_ok(), positions.contains(&position), "{position}");
    }
    assert!(matches!(file.read(u64::MAX), Err(RecordsError::NoRecord { .. })));
}

#[test]
fn a_batch_torn_at_any_byte_is_cut_and_the_ones_before_stay() {
    let disk = disk();
    let file = Records::open(&disk, NAME).unwrap();
    file.append(&records(&["kept", "kept too"])).unwrap();
    let kept = all(&file);
    let start = usize::try_from(file.len_bytes()).unwrap();
    file.append(&vec![Bytes::from(vec![9; 300]); 4]).unwrap();
    let whole = disk.contents(NAME).unwrap();
    let last_record_end = start + 32 + 4 * 308;
    for cut in start..whole.len() {
        let torn = disk.after_kill();
        torn.replace(NAME, whole[..cut].to_vec());
        let file = Records::open(&torn, NAME).unwrap();
        assert_eq!(all(&file), kept, "cut at {cut}");
        file.append(&records(&["new"])).unwrap();
        assert_eq!(all(&Records::open(&torn, NAME).unwrap()).len(), 3);
    }
    for zeroed in start..last_record_end {
        let torn = disk.after_kill();
        let mut bytes = whole.clone();
        bytes[zeroed] ^= 1;
        torn.replace(NAME, bytes);
        assert_eq!(all(&Records::open(&torn, NAME).unwrap()), kept, "flipped at {zeroed}");
    }
}

#[test]
fn a_flipped_bit_before_the_last_batch_is_refused_when_read() {
    let disk = disk();
    let file = Records::open(&disk, NAME).unwrap();
    let positions = file.append(&records(&["first"])).unwrap();
    file.append(&records(&["second"])).unwrap();
    let whole = disk.contents(NAME).unwrap();
    let end = usize::try_from(positions[0]).unwrap() + 8 + 5;
    for place in 512..end {
        for bit in 0..8 {
            let altered = disk.after_kill();
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            altered.replace(NAME, bytes);
            let file = Records::open(&altered, NAME).unwrap();
            assert!(file.scan(0).is_err(), "byte {place} bit {bit}");
        }
    }
}

/// The last of two batches with one bit flipped, and where it begins.
fn last_flipped(place: usize, bit: u8) -> (SimulatedDisk, Vec<u8>, usize) {
    let disk = disk();
    let file = Records::open(&disk, NAME).unwrap();
    file.append(&records(&["first"])).unwrap();
    let offset = usize::try_from(file.len_bytes()).unwrap();
    file.append(&records(&["second"])).unwrap();
    drop(file);
    let mut bytes = disk.contents(NAME).unwrap();
    bytes[offset + place] ^= 1 << bit;
    disk.replace(NAME, bytes.clone());
    (disk, bytes, offset)
}

/// Header, length, checksum and bytes of the one record.
const SECOND_LEN: usize = 32 + 8 + 6;

#[test]
fn a_last_batch_that_fails_its_checksum_is_put_aside_durably_before_it_is_cut() {
    for place in 0..SECOND_LEN {
        let (disk, bytes, offset) = last_flipped(place, 2);
        let file = Records::open(&disk, NAME).unwrap();
        let texts: Vec<_> = all(&file).into_iter().map(|(_, record)| record).collect();
        assert_eq!(texts, records(&["first"]), "byte {place}");
        let kept = disk.after_power_loss(7).contents(&format!("{NAME}.torn-{offset}"));
        assert_eq!(kept.as_deref(), Some(&bytes[offset..]), "byte {place}");
    }
}

#[test]
fn what_was_put_aside_before_stays() {
    let (disk, bytes, offset) = last_flipped(40, 0);
    Records::open(&disk, NAME).unwrap();
    let mut other = bytes.clone();
    other[offset + 41] ^= 1;
    disk.replace(NAME, other.clone());
    Records::open(&disk, NAME).unwrap();
    let aside = format!("{NAME}.torn-{offset}");
    assert_eq!(disk.contents(&aside).unwrap(), bytes[offset..]);
    assert_eq!(disk.contents(&format!("{aside}.2")).unwrap(), other[offset..]);
}

#[test]
fn zeros_behind_the_last_batch_are_cut_and_leave_nothing_beside() {
    let disk = disk();
    let file = Records::open(&disk, NAME).unwrap();
    file.append(&records(&["first"])).unwrap();
    let whole = disk.contents(NAME).unwrap();
    disk.replace(NAME, [whole.clone(), vec![0; 3000]].concat());
    Records::open(&disk, NAME).unwrap();
    assert_eq!(disk.contents(NAME).unwrap(), whole);
    assert_eq!(disk.names(), [NAME]);
}

#[test]
fn a_file_that_ends_before_what_was_durable_is_refused_and_left_as_it_is() {
    for place in 0..SECOND_LEN {
        let (disk, bytes, _) = last_flipped(place, 5);
        let durable = u64::try_from(bytes.len()).unwrap();
        let refused = Records::open_expecting(&disk, NAME, durable);
        assert!(matches!(refused, Err(RecordsError::Short { .. })), "byte {place}");
        assert_eq!(disk.contents(NAME).unwrap(), bytes, "byte {place}");
        assert_eq!(disk.names(), [NAME]);
        // Mended, as from a backup, it opens.
        let mut mended = bytes;
        mended[usize::try_from(durable).unwrap() - 512 + place] ^= 1 << 5;
        disk.replace(NAME, mended);
        assert_eq!(all(&Records::open_expecting(&disk, NAME, durable).unwrap()).len(), 2);
        assert!(Records::open_expecting(&disk, NAME, durable + 1).is_err());
    }
}

#[test]
fn a_damaged_or_newer_header_is_refused() {
    let disk = disk();
    Records::open(&disk, NAME).unwrap();
    let whole = disk.contents(NAME).unwrap();
    for place in 0..28 {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        disk.replace(NAME, bytes);
        assert!(matches!(Records::open(&disk, NAME), Err(RecordsError::Damaged { .. })));
    }
    let mut newer = whole;
    newer[7] = 2;
    let sum = crc32c::crc32c(&newer[..24]).to_be_bytes();
    newer[24..28].copy_from_slice(&sum);
    disk.replace(NAME, newer);
    let refused = Records::open(&disk, NAME).unwrap_err();
    assert_eq!(refused.to_string(), "the record file has format 2; this program reads up to 1");
}

#[test]
fn a_failed_append_leaves_nothing_and_the_next_one_works() {
    for fault in [Fault::Io, Fault::NoSpace] {
        for operation in 0..2 {
            let disk = disk();
            let file = Records::open(&disk, NAME).unwrap();
            file.append(&records(&["kept"])).unwrap();
            disk.fail(operation, 2, fault);
            assert!(matches!(file.append(&records(&["lost"])), Err(RecordsError::Io(_))));
            disk.heal();
            file.append(&records(&["later"])).unwrap();
            let texts: Vec<_> = all(&file).into_iter().map(|(_, record)| record).collect();
            assert_eq!(texts, records(&["kept", "later"]));
            let after = Records::open(&disk.after_power_loss(operation), NAME).unwrap();
            assert_eq!(all(&after), all(&file));
        }
    }
}

#[test]
fn a_failed_opening_leaves_a_file_that_opens_later() {
    for operation in 0..12 {
        let disk = disk();
        disk.fail(operation, 1, Fault::Io);
        let _first = Records::open(&disk, NAME);
        disk.heal();
        let file = Records::open(&disk, NAME).unwrap();
        file.append(&records(&["one"])).unwrap();
        let file = Records::open(&disk.after_power_loss(operation), NAME).unwrap();
        assert_eq!(all(&file).len(), 1, "operation {operation}");
    }
}

proptest! {
    /// Whatever was acknowledged survives a power loss; a batch is all there or not at all.
    #[test]
    fn acknowledged_batches_survive_power_loss(
        batches in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 1..5), 1..8),
        cut in 0_u64..40,
        seed: u64,
    ) {
        let disk = disk();
        let file = Records::open(&disk, NAME).unwrap();
        let mut acknowledged = 0;
        disk.fail(cut, u64::MAX, Fault::Io);
        for batch in &batches {
            let batch: Vec<_> = batch.iter().cloned().map(Bytes::from).collect();
            if file.append(&batch).is_err() {
                break;
            }
            acknowledged += 1;
        }
        let file = Records::open(&disk.after_power_loss(seed), NAME).unwrap();
        let found: Vec<_> = all(&file).into_iter().map(|(_, record)| record.to_vec()).collect();
        let whole = |count: usize| batches.iter().take(count).flatten().cloned().collect::<Vec<_>>();
        prop_assert!(found == whole(acknowledged) || found == whole(acknowledged + 1));
    }
}
