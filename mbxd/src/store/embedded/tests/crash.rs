//! Power loss, kills and torn ends.

use super::*;
use crate::store::back_end::simulated::Snapshot;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const LEN: usize = 1300;

/// Opens an image and checks that all of the first `acknowledged` deliveries are there, whole, and
/// that what else there is is whole too, without a gap.
fn check_image(image: &SimulatedDisk, acknowledged: u64, tried: u64) {
    let engine = open(image);
    let mut there = 0;
    for number in 0..tried {
        let whole = delivered(&engine, number, len_of(number));
        assert!(whole || number >= acknowledged, "{number} of {acknowledged} is lost");
        assert!(!whole || there == number, "{number} is there, one before it is not");
        there += u64::from(whole);
    }
    assert_eq!(check_tree(&engine), there);
    deliver(&engine, 1_000_000, LEN).unwrap();
    assert!(delivered(&engine, 1_000_000, LEN));
}

/// Runs deliveries and shows the disk to `look` before every operation, with the number of the
/// operation and how many deliveries were acknowledged until then.
fn deliver_watched(
    deliveries: u64,
    mut look: impl FnMut(u64, u64, &Snapshot<'_>) + Send + 'static,
) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let so_far = Arc::clone(&acknowledged);
    disk.probe(Some(Box::new(move |operation, disk| {
        look(operation, so_far.load(Ordering::SeqCst), disk);
    })));
    let engine = Embedded::open(Arc::new(disk.clone()), &tight()).unwrap();
    for number in 0..deliveries {
        deliver(&engine, number, len_of(number)).unwrap();
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    drop(engine);
    disk.probe(None);
    disk
}

#[test]
fn a_kill_between_any_two_operations_loses_nothing() {
    deliver_watched(15, |_, acknowledged, disk| {
        check_image(&disk.after_kill(), acknowledged, 15);
    });
}

#[test]
fn nothing_is_lost_when_power_fails_again_while_the_store_recovers() {
    let disk = SimulatedDisk::new();
    let engine = Embedded::open(Arc::new(disk.clone()), &tight()).unwrap();
    for number in 0..20 {
        deliver(&engine, number, len_of(number)).unwrap();
    }
    for seed in 0..15 {
        let image = disk.after_power_loss(seed);
        image.probe(Some(Box::new(move |operation, disk| {
            if operation % 3 == seed % 3 {
                check_image(&disk.after_power_loss(operation * 31 + seed), 20, 20);
            }
        })));
        drop(open(&image));
        image.probe(None);
    }
}

#[test]
fn what_only_the_page_cache_held_is_made_durable_in_a_new_segment_before_anything_is_answered() {
    let images: Arc<std::sync::Mutex<Vec<SimulatedDisk>>> = Arc::default();
    let kept = Arc::clone(&images);
    deliver_watched(3, move |_, acknowledged, disk| {
        if acknowledged == 2 {
            kept.lock().unwrap().push(disk.after_kill());
        }
    });
    let survives = |disk: &SimulatedDisk, seed: u64| {
        delivered(&open(&disk.after_power_loss(seed)), 2, len_of(2))
    };
    let mut rested_on_the_cache = 0;
    for image in &*images.lock().unwrap() {
        let was_durable = (0..20).all(|seed| survives(image, seed));
        let segment_before = last_segment(image).0;
        let engine = open(image);
        if !delivered(&engine, 2, len_of(2)) {
            continue;
        }
        // A repeat is told so, and what it is told stays true.
        let repeated = deliver(&engine, 2, len_of(2));
        assert!(matches!(repeated, Err(CommitError::Expectation { .. })), "{repeated:?}");
        assert!((0..20).all(|seed| survives(image, seed)));
        if !was_durable {
            rested_on_the_cache += 1;
            assert_ne!(last_segment(image).0, segment_before, "not written into a new segment");
        }
    }
    assert!(rested_on_the_cache > 0, "no image held what was not durable");
}

/// A store whose index has seen 3 deliveries, the log 3 more.
pub(super) fn with_tail() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    (0..3).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    drop(engine);
    let engine = open(&disk);
    (3..6).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    disk.after_kill()
}

/// Where the groups of a segment begin.
pub(super) fn groups(bytes: &[u8]) -> Vec<usize> {
    (512..bytes.len()).step_by(512).filter(|at| bytes[*at..].starts_with(b"MBXG")).collect()
}

#[test]
fn a_tail_torn_at_any_byte_of_the_last_record_is_cut() {
    let disk = with_tail();
    let (name, bytes) = last_segment(&disk);
    let last = *groups(&bytes).last().unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in last..end {
        let torn = disk.after_kill();
        let mut bytes = bytes[..cut].to_vec();
        // Cut short, or zeros where nothing was written.
        if cut % 2 == 0 {
            bytes.resize(end + 4096, 0);
        }
        torn.replace(&name, bytes);
        let engine = open(&torn);
        let there: Vec<_> = (0..6).map(|number| delivered(&engine, number, LEN)).collect();
        assert_eq!(there, [true, true, true, true, true, false], "cut at {cut}");
        assert_eq!(check_tree(&engine), 5);
    }
}
