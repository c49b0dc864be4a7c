//! Flipped bits, lost ends and lost files: found, named, and never served.

use super::basics::check_all;
use super::crash::{LEN, groups, with_tail};
use super::*;
use crate::store::back_end::simulated::Fault;
use std::time::{Duration, Instant};

#[test]
fn a_flipped_bit_in_what_was_durable_is_found_and_named() {
    let disk = with_tail();
    let (name, bytes) = last_segment(&disk);
    let groups = groups(&bytes);
    let (start, last) = (groups[3], groups[5]);
    let record_end = |group: usize| {
        let len = u64::from_be_bytes(bytes[group + 8..group + 16].try_into().unwrap());
        group + 40 + usize::try_from(len).unwrap()
    };
    for place in (start..last).filter(|at| {
        let group = *groups.iter().rfind(|group| *group <= at).unwrap();
        *at < record_end(group)
    }) {
        let altered = disk.after_kill();
        let mut bytes = bytes.clone();
        bytes[place] ^= 1 << (place % 8);
        altered.replace(&name, bytes);
        let error = try_open(&altered).unwrap_err();
        let OpenError::Damaged { segment, offset } = error else { panic!("{error} at {place}") };
        assert_eq!(segment, 1);
        let group = len_u64(*groups.iter().rfind(|group| **group <= place).unwrap());
        assert!(offset == group || offset == group + 40, "{place}: {offset}");
        assert!(error.to_string().starts_with("the log is damaged: log/00000001.seg at byte "));
        // Refused without touching it: the second attempt says the same.
        assert_eq!(try_open(&altered).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn a_log_that_ends_before_its_index_is_damaged() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    (0..3).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    drop(engine);
    let (name, bytes) = last_segment(&disk);
    disk.replace(&name, bytes[..bytes.len() - 512].to_vec());
    assert!(matches!(try_open(&disk), Err(OpenError::Damaged { segment: 1, .. })));
}

#[test]
fn a_missing_segment_in_the_middle_is_damage() {
    let disk = SimulatedDisk::new();
    let mut config = config();
    config.checkpoint_bytes = ByteSize::mib(64);
    let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    (0..80).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    let killed = disk.after_kill();
    drop(engine);
    let segments = segments(&killed);
    assert!(segments.len() > 3, "{segments:?}");
    killed.delete("index.redb");
    killed.delete(&segments[1]);
    let back: Arc<dyn BackEnd> = Arc::new(killed);
    let error = embedded::rebuild_index(&back, &config, |_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { segment: 1, .. }), "{error}");
}

/// A store of a few segments, closed in order, with the bytes of its index.
fn closed(deliveries: u64) -> (SimulatedDisk, Whole, Vec<u8>) {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    (0..deliveries).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    let before = whole(&*engine, deliveries);
    drop(engine);
    let index = disk.contents("index.redb").unwrap();
    (disk, before, index)
}

#[test]
fn a_damaged_index_is_made_again_while_the_store_opens() {
    let (disk, before, index) = closed(40);
    for place in (0..index.len()).step_by(index.len() / 40) {
        let altered = disk.after_kill();
        let mut bytes = index.clone();
        bytes[place..].iter_mut().take(20_000).for_each(|byte| *byte = !*byte);
        altered.replace("index.redb", bytes);
        let engine = open(&altered);
        assert_eq!(read_at_last(&engine, 40), before, "from byte {place}");
        deliver(&engine, 100, LEN).unwrap();
    }
    disk.replace("index.redb", Vec::new());
    assert_eq!(whole(&*open(&disk), 40), before);
}

/// Reads everything until nothing fails any more: what fails is damage or said to pass.
fn read_at_last(engine: &Embedded, contents: u64) -> Whole {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let mut failed = false;
        for table in Table::ALL {
            failed |= wait(engine.scan(table, KeyRange::all(), usize::MAX)).is_err();
        }
        failed |= wait(engine.leaves(0, usize::MAX)).is_err();
        failed |= (0..contents)
            .any(|number| wait(engine.content(content_id(number), 0..u64::MAX)).is_err());
        if !failed {
            return whole(engine, contents);
        }
        assert!(Instant::now() < until, "it does not recover: {:?}", engine.health());
        std::thread::yield_now();
    }
}

#[test]
fn a_block_of_the_index_that_is_altered_while_the_store_serves_is_told_and_made_again() {
    let (disk, before, _) = closed(60);
    // No cache, so that every read goes to the disk.
    let config = config::Store { index_cache: ByteSize::bytes(0), ..config() };
    let mut met = 0;
    for block in 2..60 {
        let disk = disk.after_kill();
        let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
        if !disk.flip("index.redb", block * 4096 + 1000 + block, 3) {
            break;
        }
        let recoveries = engine.stats().recoveries;
        assert_eq!(read_at_last(&engine, 60), before, "block {block}");
        met += engine.stats().recoveries - recoveries;
        deliver(&engine, 100, LEN).unwrap();
    }
    assert!(met > 3, "hardly any block was read: {met}");
}

#[test]
fn an_index_that_cannot_be_made_again_for_want_of_space_is_made_when_there_is_some() {
    let (disk, before, index) = closed(40);
    let config = config::Store { index_cache: ByteSize::bytes(0), ..config() };
    let engine = Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    let half = u64::try_from(index.len() / 2).unwrap();
    (2..half / 4096).for_each(|block| _ = disk.flip("index.redb", block * 4096 + 9, 0));
    disk.fail(40, 6, Fault::NoSpace);
    assert_eq!(read_at_last(&engine, 40), before);
    deliver(&engine, 100, LEN).unwrap();
}

#[test]
fn a_lost_last_segment_is_named_and_no_new_index_hides_it() {
    let (disk, _, _) = closed(60);
    let (name, _) = last_segment(&disk);
    disk.delete(&name);
    for _ in 0..2 {
        let refused = try_open(&disk).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("{name} is missing; the index knows 6")), "{refused}");
    }
    let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
    let refused = embedded::rebuild_index(&back, &config(), |_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
    // Who wants to go on without what is lost takes the old index away.
    disk.delete("index.redb");
    assert!(check_tree(&open(&disk)) < 60);
}

#[test]
fn a_log_that_lost_its_end_is_no_torn_log_for_a_new_index() {
    let (disk, _, _) = closed(60);
    let (name, bytes) = last_segment(&disk);
    disk.replace(&name, bytes[..*groups(&bytes).last().unwrap()].to_vec());
    let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
    let refused = embedded::rebuild_index(&back, &config(), |_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
}

#[test]
fn a_last_group_that_was_written_whole_and_altered_is_put_aside_and_told() {
    let disk = with_tail();
    let (name, bytes) = last_segment(&disk);
    let last = *groups(&bytes).last().unwrap();
    for place in (last..last + 40 + LEN).step_by(37) {
        let altered = disk.after_kill();
        let mut bytes = bytes.clone();
        bytes[place] ^= 4;
        altered.replace(&name, bytes.clone());
        let engine = open(&altered);
        assert_eq!(check_tree(&engine), 5);
        assert!(!delivered(&engine, 5, LEN));
        let kept = altered.after_power_loss(3).contents(&format!("{name}.torn-{last}")).unwrap();
        assert!(bytes[last..].starts_with(&kept), "byte {place}");
        assert!(kept.len() > LEN);
    }
    // A torn one is no damage: nothing is kept.
    for sector in (last..last + LEN).step_by(512) {
        let torn = disk.after_kill();
        let mut bytes = bytes.clone();
        bytes[sector..sector + 512].fill(0);
        torn.replace(&name, bytes);
        assert_eq!(check_tree(&open(&torn)), 5);
        assert!(!torn.names().iter().any(|name| name.contains("torn")), "sector at {sector}");
    }
}

#[test]
fn a_header_that_is_altered_while_the_store_serves_is_named_by_the_check() {
    let (disk, _, _) = closed(60);
    let engine = open(&disk);
    assert!(disk.flip("log/00000002.seg", 33, 1));
    assert_eq!(check_all(&engine).1, [(2, 0)]);
}

#[test]
fn an_altered_audit_entry_in_the_log_is_not_given_out() {
    let (disk, before, _) = closed(3);
    let (name, bytes) = last_segment(&disk);
    for leaf in &before.leaves {
        let place = bytes.windows(leaf.len()).position(|window| window == leaf).unwrap();
        for at in place..place + leaf.len() {
            let altered = disk.after_kill();
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            altered.replace(&name, bytes);
            let told = wait(open(&altered).leaves(0, 10));
            assert!(matches!(told, Err(ReadError::Damaged)), "byte {at}: {told:?}");
        }
    }
}

#[test]
fn what_was_replayed_is_durable_by_the_word_of_the_new_segment() {
    // Replayed into a new segment that has its name; the index has not taken it in.
    let disk = with_tail();
    let images: Arc<std::sync::Mutex<Vec<SimulatedDisk>>> = Arc::default();
    let kept = Arc::clone(&images);
    disk.probe(Some(Box::new(move |_, disk| kept.lock().unwrap().push(disk.after_kill()))));
    drop(open(&disk));
    disk.probe(None);
    let mut found = 0;
    for image in images.lock().unwrap().iter().filter(|image| segments(image).len() == 2) {
        let (name, bytes) = last_segment(image);
        let groups = groups(&bytes);
        if groups.len() < 3 || image.contents("log/00000001.seg").unwrap().len() < 20_000 {
            continue;
        }
        assert!(image.flip(&name, len_u64(groups[1]) + 100, 5));
        match try_open(image) {
            Err(OpenError::Damaged { segment: 2, .. }) => found += 1,
            // The index had it already.
            Ok(engine) => assert_eq!(check_tree(&engine), 6),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(found > 0);
}
