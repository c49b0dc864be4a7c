//! The power fails before any operation of the disk: what was synced stays, of the rest any sectors
//! in any order, some torn.

use super::engine::{open, said};
use super::load::Unit;
use super::script::{Index, Script, commit};
use crate::programme::{Programme, Run};
use mbxd::store::back_end::simulated::{SimulatedDisk, Snapshot};
use mbxd::store::embedded::Embedded;
use mbxd::store::{CommitError, Committed, Engine};
use rand::Rng;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The programme.
pub const POWER_LOSS: Programme = Programme {
    name: "power-loss",
    what: "power fails at every operation of the disk: nothing acknowledged is lost",
    run: |run| images(run, UNITS, PER_OPERATION),
};

const UNITS: usize = 60;
const PER_OPERATION: u64 = 3;
/// Of so many images one loses its index too, and one loses power again while it recovers.
const INDEX_LOST_EVERY: u64 = 31;
const AGAIN_EVERY: u64 = 43;
/// Units asked for at once, now and then: they share a group.
const TOGETHER: usize = 4;

/// What the images of one load are judged by.
struct Judge {
    script: Script,
    seed: u64,
    per_operation: u64,
    acknowledged: AtomicUsize,
    images: AtomicU64,
    findings: Mutex<Vec<String>>,
}

/// Does a load and judges, before every operation of the disk, what a power loss there would leave.
pub fn images(run: &mut Run, units: usize, per_operation: u64) {
    let judge = Arc::new(Judge {
        script: Script::new(run.rng("load"), units),
        seed: run.rng("images").next_u64(),
        per_operation,
        acknowledged: AtomicUsize::new(0),
        images: AtomicU64::new(0),
        findings: Mutex::default(),
    });
    let disk = SimulatedDisk::new();
    let watching = Arc::clone(&judge);
    disk.probe(Some(Box::new(move |operation, disk| watching.look(operation, disk))));
    let played = open(&disk)
        .map_err(|error| error.to_string())
        .and_then(|engine| judge.play(&engine).map_err(|error| error.to_string()));
    disk.probe(None);
    if let Err(error) = played {
        run.finding(format_args!("the load itself failed: {error}"));
    }
    let findings = std::mem::take(&mut *judge.findings());
    for finding in &findings {
        run.finding(finding);
    }
    run.done(judge.images.load(Ordering::Relaxed), "power-loss images");
}

impl Judge {
    fn findings(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does the load, units one by one and some together.
    fn play(&self, engine: &Embedded) -> Result<(), CommitError> {
        let mut left = self.script.units.as_slice();
        let mut turn = 0_usize;
        while !left.is_empty() {
            let count = if turn % 3 == 2 { TOGETHER.min(left.len()) } else { 1 };
            let (now, later) = left.split_at(count);
            for done in together(engine, now) {
                done?;
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            (left, turn) = (later, turn.saturating_add(1));
        }
        Ok(())
    }

    fn look(&self, operation: u64, disk: &Snapshot<'_>) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        for turn in 0..self.per_operation {
            let number = operation.wrapping_mul(self.per_operation).wrapping_add(turn);
            let seed = self.seed.wrapping_add(number);
            let image = disk.after_power_loss(seed);
            let index = if number % INDEX_LOST_EVERY == 7 {
                image.delete("index.redb");
                Index::Damaged
            } else {
                Index::Sound
            };
            let judged = if number % AGAIN_EVERY == 11 {
                self.judge_again(&image, acknowledged, (seed, index))
            } else {
                self.judge(&image, acknowledged, index)
            };
            if let Err(what) = judged {
                let what = format!("operation {operation}, image {seed}: {what}");
                self.findings().push(what);
            }
        }
    }

    fn judge(
        &self,
        image: &SimulatedDisk,
        acknowledged: usize,
        index: Index,
    ) -> Result<(), String> {
        self.images.fetch_add(1, Ordering::Relaxed);
        self.script.judge_disk(image, acknowledged, index).map(|_| ())
    }

    /// The power fails again at every operation of the recovery.
    fn judge_again(
        &self,
        image: &SimulatedDisk,
        acknowledged: usize,
        (seed, index): (u64, Index),
    ) -> Result<(), String> {
        let images: Arc<Mutex<Vec<SimulatedDisk>>> = Arc::default();
        let kept = Arc::clone(&images);
        image.probe(Some(Box::new(move |operation, disk| {
            let again = disk.after_power_loss(seed ^ operation.wrapping_mul(0x9e37_79b9));
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(again);
        })));
        let opened = open(image).map(drop);
        image.probe(None);
        opened.map_err(|error| format!("it does not open: {}", said(&error)))?;
        let images = std::mem::take(&mut *images.lock().unwrap_or_else(PoisonError::into_inner));
        let judged = images.iter().try_for_each(|again| self.judge(again, acknowledged, index));
        judged.map_err(|what| format!("after a second power loss: {what}"))
    }
}

/// Asks for units at once; their answers in order.
fn together(engine: &Embedded, units: &[Unit]) -> Vec<Result<Committed, CommitError>> {
    if let [one] = units {
        return vec![commit(engine, one)];
    }
    let asked = units.iter().cloned();
    let asked = asked.map(|unit| engine.commit(unit.changes, unit.contents, unit.entry));
    super::engine::wait(futures_util::future::join_all(asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn nothing_acknowledged_is_lost_when_power_fails_at_any_operation() {
        let mut run = Run::new(1, Instant::now());
        images(&mut run, 30, 1);
        let (findings, done) = run.into_parts();
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(done["power-loss images"] >= 150, "{done:?}");
    }
}
