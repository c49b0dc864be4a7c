//! Any operation of the disk fails while the script runs.

use super::check::check;
use super::is_torture;
use super::ledger::Book;
use super::machine::Machine;
use super::script::run;
use crate::store::back_end::simulated::Fault;
use std::collections::BTreeMap;

/// Operations of each kind that fail in a normal run.
const OF_EACH_KIND: usize = 3;

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

/// All operations, or some of each kind spread over the whole script, others for each `offset`.
fn chosen(operations: &[String], offset: usize) -> Vec<u64> {
    let numbered = (0..).zip(operations);
    if is_torture() {
        return numbered.map(|(number, _)| number).collect();
    }
    let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (number, kind) in numbered {
        kinds.entry(kind).or_default().push(number);
    }
    let mut chosen = Vec::new();
    for of_kind in kinds.values() {
        let some = OF_EACH_KIND.min(of_kind.len());
        let places = (0..some).map(|n| (n * of_kind.len() + offset * of_kind.len() / 3) / some);
        chosen.extend(places.map(|place| of_kind[place % of_kind.len()]));
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

async fn any_may_fail(fault: Fault, offset: usize) {
    let operations = operations().await;
    for number in chosen(&operations, offset) {
        let kind = operations.get(usize::try_from(number).unwrap());
        let case = format!("{fault:?} at operation {number} ({kind:?})");
        let machine = Machine::new();
        machine.disk.fail(number, 1, fault);
        let book = Book::default();
        run(&machine, &book).await;
        machine.disk.heal();
        let ledger = book.ledger();
        let cut = machine.with_disk(machine.disk.after_power_loss(number));
        check(&cut, &ledger, &format!("{case}, power cut")).await;
        check(&machine, &ledger, &case).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_operation_may_fail_with_an_io_error() {
    any_may_fail(Fault::Io, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_operation_may_find_the_disk_full() {
    any_may_fail(Fault::NoSpace, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_write_may_be_short() {
    any_may_fail(Fault::Short, 2).await;
}
