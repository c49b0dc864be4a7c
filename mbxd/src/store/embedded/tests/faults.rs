//! Operations of the disk that fail while the store works.

use super::*;
use crate::store::back_end::simulated::Fault;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LEN: usize = 1300;

/// Delivers until it works or the store says that it never will; counts the attempts.
fn deliver_at_last(engine: &Embedded, number: u64) -> u64 {
    for attempt in 1..100_000 {
        match deliver(engine, number, LEN) {
            Ok(_) => return attempt,
            Err(CommitError::Unavailable | CommitError::SpaceLow) => std::thread::yield_now(),
            Err(CommitError::Expectation { .. }) => panic!("answered as not done, but was"),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("does not recover");
}

/// Opens, delivers 20, reads, deletes, restarts; returns what was acknowledged. Failures of single
/// steps are borne.
fn script(disk: &SimulatedDisk) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for part in 0..2 {
        let opened = Embedded::open(Arc::new(disk.clone()), &tight());
        let Ok(engine) = opened else { continue };
        for number in part * 10..part * 10 + 10 {
            if deliver(&engine, number, len_of(number)).is_ok() {
                acknowledged.push(number);
            }
            let _read = wait(engine.content(content_id(number), 0..100));
        }
        let mut changes = Changes::new();
        changes.delete(Table::Meta, "nothing");
        let _deleted = wait(engine.commit(changes, Vec::new(), entry(99)));
    }
    acknowledged
}

fn check(disk: &SimulatedDisk, acknowledged: &[u64]) {
    let engine = open(disk);
    for number in 0..20 {
        let there = delivered(&engine, number, len_of(number));
        assert!(there || !acknowledged.contains(&number), "{number} is lost");
    }
    check_tree(&engine);
    deliver(&engine, 500, LEN).unwrap();
}

fn every_operation_fails(fault: Fault, times: u64) {
    let clean = SimulatedDisk::new();
    assert_eq!(script(&clean).len(), 20);
    let operations = clean.operations();
    assert!(operations > 100);
    for operation in 0..operations {
        let disk = SimulatedDisk::new();
        disk.fail(operation, times, fault);
        let acknowledged = script(&disk);
        disk.heal();
        check(&disk.after_power_loss(operation), &acknowledged);
        check(&disk, &acknowledged);
    }
}

#[test]
fn any_operation_may_fail_with_an_io_error() {
    every_operation_fails(Fault::Io, 1);
}

#[test]
fn any_operation_may_find_the_disk_full() {
    every_operation_fails(Fault::NoSpace, 1);
}

#[test]
fn any_write_may_be_short() {
    every_operation_fails(Fault::Short, 1);
}

#[test]
fn any_operation_may_begin_a_row_of_failures() {
    every_operation_fails(Fault::Io, 7);
}

#[test]
fn a_failed_sync_is_not_tried_again_and_later_commits_work() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    deliver(&engine, 0, LEN).unwrap();
    let (segment, _) = last_segment(&disk);
    // The next operations are the group's write and its sync.
    disk.fail(1, 1, Fault::Io);
    assert!(matches!(deliver(&engine, 1, LEN), Err(CommitError::Unavailable)));
    deliver_at_last(&engine, 1);
    deliver_at_last(&engine, 2);
    assert_eq!(engine.health(), Health::Serving);
    assert_ne!(last_segment(&disk).0, segment, "went on in the segment whose sync failed");
    for seed in 0..50 {
        let engine = open(&disk.after_power_loss(seed));
        assert!((0..3).all(|number| delivered(&engine, number, LEN)));
        assert_eq!(check_tree(&engine), 3);
    }
}

#[test]
fn while_the_disk_fails_everything_is_answered_and_reading_goes_on() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    (0..5).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    disk.fail(0, 1, Fault::Io);
    assert!(matches!(deliver(&engine, 5, LEN), Err(CommitError::Unavailable)));
    disk.heal();
    assert!((0..5).all(|number| delivered(&engine, number, LEN)));
    deliver_at_last(&engine, 5);
    assert_eq!(check_tree(&engine), 6);
}

#[test]
fn the_store_recovers_from_a_long_failure_when_the_disk_is_back() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    deliver(&engine, 0, LEN).unwrap();
    disk.fail(0, u64::MAX, Fault::Io);
    for _ in 0..20 {
        assert!(matches!(deliver(&engine, 1, LEN), Err(CommitError::Unavailable)));
    }
    assert_eq!(engine.health(), Health::Recovering);
    disk.heal();
    let until = Instant::now() + Duration::from_secs(30);
    while engine.health() != Health::Serving && Instant::now() < until {
        std::thread::yield_now();
    }
    deliver(&engine, 1, LEN).unwrap();
    assert!((0..2).all(|number| delivered(&engine, number, LEN)));
    drop(engine);
    assert_eq!(check_tree(&open(&disk)), 2);
}

#[test]
fn an_index_that_a_reader_found_failing_is_opened_anew_without_a_commit() {
    let disk = SimulatedDisk::new();
    // No cache, so that every read goes to the disk.
    let config = config::Store { index_cache: ByteSize::bytes(0), ..config() };
    let open = || Embedded::open(Arc::new(disk.clone()), &config).unwrap();
    let engine = open();
    (0..5).for_each(|number| _ = deliver(&engine, number, LEN).unwrap());
    drop(engine);
    let mut met = 0;
    for first in 0..12 {
        let engine = open();
        disk.fail(first, 1, Fault::Io);
        for number in 0..5_u64 {
            met += u32::from(wait(engine.get(Table::Message, &number.to_be_bytes())).is_err());
        }
        disk.heal();
        let row = || wait(engine.get(Table::Message, &0_u64.to_be_bytes()));
        let until = Instant::now() + Duration::from_secs(30);
        while row().is_err() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert_eq!(row().unwrap().unwrap(), "row 0");
    }
    assert!(met > 0, "no reader met the failure");
}

#[test]
fn readers_are_answered_at_once_while_the_index_is_opened_anew() {
    const PATIENCE: Duration = Duration::from_secs(5);
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    deliver_at_last(&engine, 0);
    let (told, heard) = mpsc::channel();
    let asked = Arc::clone(&engine);
    let mut patient = true;
    // Each step of the recovery stands still until a reader has its answer, or has waited too long.
    disk.probe(Some(Box::new(move |_, _| {
        if patient && asked.health() == Health::Recovering {
            let (answer, answered) = mpsc::channel();
            let engine = Arc::clone(&asked);
            std::thread::spawn(move || {
                let row = wait(engine.get(Table::Message, &0_u64.to_be_bytes()));
                answer.send(row).ok();
            });
            let row = answered.recv_timeout(PATIENCE).ok();
            patient = row.is_some();
            told.send(row).ok();
        }
    })));
    for number in 1..40 {
        // What comes after the group's write and sync: a checkpoint, where one is due.
        disk.fail(2, 1, Fault::Io);
        while deliver(&engine, number, LEN).is_err() {
            while engine.health() == Health::Recovering {
                std::thread::yield_now();
            }
        }
    }
    disk.heal();
    deliver_at_last(&engine, 40);
    disk.probe(None);
    let answers: Vec<_> = heard.try_iter().collect();
    assert!(answers.iter().all(Option::is_some), "a reader waited for the recovery");
    let away = answers.iter().filter(|row| matches!(row, Some(Err(ReadError::Unavailable))));
    assert!(away.count() > 0, "no reader met the recovery of the index");
    assert!(engine.stats().recoveries > 0);
    assert!((0..=40).all(|number| delivered(&engine, number, LEN)));
}
