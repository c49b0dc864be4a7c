//! Any operation of the disk fails while the script runs.

use super::check::check;
use super::is_torture;
use super::ledger::Book;
use super::machine::Machine;
use super::script::run;
use crate::store::back_end::simulated::{Fault, SimulatedDisk};
use std::collections::BTreeMap;

/// How far apart the operations are that fail in one run: more than any step needs that a process
/// must get through to go on.
const STRIDE: u64 = 150;

/// What each operation of the script is, on a disk that never fails; the script itself is whole.
async fn operations() -> Vec<String> {
    let machine = Machine::new();
    machine.disk.remember();
    let book = Book::default();
    run(&machine, &book).await;
    let ledger = book.ledger();
    // Twenty letters, two of them to both holders.
    assert_eq!(ledger.acknowledged(), 22);
    assert!(ledger.acts.iter().all(|act| act.acknowledged), "{ledger:?}");
    let operations = machine.disk.remembered();
    check(&machine, &ledger, "a healthy disk").await;
    operations
}

/// Whether this fault can befall an operation of this kind at all, and is not told by another one
/// already: reading needs no space, and what is no write cannot be short.
fn befalls(fault: Fault, kind: &str) -> bool {
    match fault {
        Fault::Io => true,
        Fault::NoSpace => !matches!(verb(kind), "read" | "open" | "list" | "lock"),
        Fault::Short => verb(kind) == "write",
    }
}

fn verb(kind: &str) -> &str {
    kind.split(' ').next().unwrap_or_default()
}

/// All operations that the fault can befall, or some of each kind spread over the whole script,
/// others for each fault.
fn chosen(operations: &[String], fault: Fault) -> Vec<u64> {
    let numbered = (0..).zip(operations).filter(|(_, kind)| befalls(fault, kind));
    if is_torture() {
        return numbered.map(|(number, _)| number).collect();
    }
    let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (number, kind) in numbered {
        kinds.entry(kind).or_default().push(number);
    }
    let part = match fault {
        Fault::Io => 1,
        Fault::NoSpace => 3,
        Fault::Short => 5,
    };
    kinds.into_values().map(|of_kind| of_kind[of_kind.len() * part / 6]).collect()
}

/// Runs the script on a disk in this trouble, then checks what is left, after a power cut too
/// where more than reading failed. Returns how many operations failed.
async fn survives(trouble: impl FnOnce(&SimulatedDisk), is_reading: bool, case: &str) -> u64 {
    let machine = Machine::new();
    trouble(&machine.disk);
    let book = Book::default();
    run(&machine, &book).await;
    let failures = machine.disk.failures();
    machine.disk.heal();
    let ledger = book.ledger();
    if !is_reading {
        let cut = machine.with_disk(machine.disk.after_power_loss(failures));
        check(&cut, &ledger, &format!("{case}, power cut")).await;
    }
    check(&machine, &ledger, case).await;
    failures
}

/// One operation of the script fails, each in its turn.
async fn any_may_fail(fault: Fault) {
    let operations = operations().await;
    let chosen = chosen(&operations, fault);
    let mut failures = 0;
    for number in &chosen {
        let kind = &operations[usize::try_from(*number).unwrap()];
        let case = format!("{fault:?} at operation {number} ({kind})");
        let trouble = |disk: &SimulatedDisk| disk.fail(*number, 1, fault);
        failures += survives(trouble, verb(kind) == "read", &case).await;
    }
    println!("{fault:?}: {} of {} operations, {failures} failed", chosen.len(), operations.len());
}

/// Every [`STRIDE`]-th operation fails, whichever the first is: so each operation of the script
/// fails in one run.
async fn every_nth_fails(fault: Fault) {
    let operations = operations().await.len();
    let mut failures = 0;
    for first in 0..STRIDE {
        let case = format!("{fault:?} at every {STRIDE}th operation from {first} on");
        let trouble = |disk: &SimulatedDisk| disk.fail_every(first, STRIDE, fault);
        failures += survives(trouble, false, &case).await;
    }
    println!("{fault:?}: {STRIDE} runs, {failures} failed, the script has {operations}");
    assert!(failures > u64::try_from(operations).unwrap() / 2, "{failures} of {operations}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_operation_may_fail_with_an_io_error() {
    any_may_fail(Fault::Io).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_operation_may_find_the_disk_full() {
    any_may_fail(Fault::NoSpace).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_write_may_be_short() {
    any_may_fail(Fault::Short).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_nth_operation_may_fail_with_an_io_error() {
    every_nth_fails(Fault::Io).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_nth_operation_may_find_the_disk_full() {
    every_nth_fails(Fault::NoSpace).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_nth_write_may_be_short() {
    every_nth_fails(Fault::Short).await;
}
