//! The power fails at any moment of the script; what was not synced is lost in part.

use super::check::check;
use super::ledger::{Book, Ledger};
use super::machine::Machine;
use super::script::run;
use crate::store::back_end::simulated::SimulatedDisk;
use std::sync::{Arc, Mutex};

/// Images of each run of the script: they are kept in memory until it ends.
const OF_EACH_RUN: u64 = 50;

/// A disk as the power failed, and what had been acknowledged by then.
type Image = (u64, u64, SimulatedDisk, Ledger);

/// Images from random moments of one run; `operations` are about how many it has.
async fn images(run_number: u64, operations: u64) -> (Machine, Vec<Image>) {
    let machine = Machine::new();
    let book = Book::default();
    let images: Arc<Mutex<Vec<Image>>> = Arc::default();
    let mut dice = run_number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let (seen, taken) = (book.clone(), Arc::clone(&images));
    machine.disk.probe(Some(Box::new(move |operation, disk| {
        // xorshift: the same moments in each test run.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        if dice % operations < OF_EACH_RUN {
            let image = disk.after_power_loss(dice);
            taken.lock().unwrap().push((operation, dice, image, seen.ledger()));
        }
    })));
    run(&machine, &book).await;
    machine.disk.probe(None);
    let images = std::mem::take(&mut *images.lock().unwrap());
    (machine, images)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_mixed_up_when_the_power_fails() {
    let machine = Machine::new();
    run(&machine, &Book::default()).await;
    let operations = machine.disk.operations();
    let (mut checked, mut run_number) = (0, 0);
    while checked < 1000 {
        run_number += 1;
        let (machine, images) = images(run_number, operations).await;
        for (operation, seed, image, ledger) in images {
            let case = format!("power loss at operation {operation}, seed {seed}");
            check(&machine.with_disk(image), &ledger, &case).await;
            checked += 1;
        }
    }
}
