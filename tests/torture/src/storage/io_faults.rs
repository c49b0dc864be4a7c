//! Every operation of the disk fails in turn, with `EIO`, `ENOSPC` or half a write, once, a few times
//! or until the disk is mended: while a store is made, works, replays after a kill, and makes its
//! index again.

use super::engine::{config, open, said};
use super::script::{Index, Played, Script};
use crate::programme::{Programme, Run};
use mbxd::store::back_end::BackEnd;
use mbxd::store::back_end::simulated::{Fault, SimulatedDisk};
use mbxd::store::embedded::{OpenError, rebuild_index};
use std::sync::Arc;

/// The programme.
pub const IO_FAULTS: Programme = Programme {
    name: "io-faults",
    what: "every operation of the disk fails in turn: working, starting, replaying, rebuilding",
    run: |run| every_operation(run, 1),
};

const FAULTS: [Fault; 3] = [Fault::Io, Fault::NoSpace, Fault::Short];
/// How many operations in a row fail.
const TIMES: [u64; 3] = [1, 6, u64::MAX];
/// Units that stand in the log before a phase begins, and those done in it.
const BEFORE: usize = 12;
const DURING: usize = 10;
/// How often a unit is asked for while the disk fails for good.
const PATIENCE: usize = 20;

/// What a store does while operations fail.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// It is made in an empty folder, and works.
    Begin,
    /// It is opened after an orderly end, works, and ends in order.
    Work,
    /// It is opened after a kill: the log past the index is replayed.
    Replay,
    /// It is opened after its index was lost.
    IndexLost,
    /// Its index is made again by hand.
    Rebuild,
}

const PHASES: [Phase; 5] =
    [Phase::Begin, Phase::Work, Phase::Replay, Phase::IndexLost, Phase::Rebuild];

/// Lets every `step`-th operation of every phase fail, each in every way.
pub fn every_operation(run: &mut Run, step: usize) {
    let script = Script::new(run.rng("load"), BEFORE + DURING + 5);
    for phase in PHASES {
        let base = phase.base(&script);
        let clean = base.after_kill();
        phase.run(&clean, &script, usize::MAX);
        let operations = clean.operations();
        for operation in (0..operations).step_by(step.max(1)) {
            for (fault, times) in FAULTS.iter().flat_map(|fault| TIMES.map(|times| (*fault, times)))
            {
                let disk = base.after_kill();
                disk.fail(operation, times, fault);
                let told = judge(phase, &disk, &script, operation);
                run.done(1, "failing operations");
                if let Err(what) = told {
                    run.finding(format_args!(
                        "{phase:?}, operation {operation} of {operations}, {fault:?} × {times}: {what}"
                    ));
                }
            }
            if run.time_is_up() && step > 1 {
                return;
            }
        }
    }
}

fn judge(
    phase: Phase,
    disk: &SimulatedDisk,
    script: &Script,
    operation: u64,
) -> Result<(), String> {
    let outcome = phase.run(disk, script, PATIENCE);
    disk.heal();
    if let Some(error) = outcome.refused.filter(|error| !matches!(error, OpenError::Io(_))) {
        return Err(format!("a failing disk is told as: {}", said(&error)));
    }
    if outcome.played.refused_though_done {
        return Err("a unit was answered as not done, and was".to_owned());
    }
    let least = outcome.played.acknowledged;
    let lost = disk.after_power_loss(operation);
    script
        .judge_disk(&lost, least, Index::Damaged)
        .map_err(|what| format!("after a power loss {what}"))?;
    script
        .judge_disk(&disk.after_kill(), least, Index::Damaged)
        .map_err(|what| format!("mended, {what}"))?;
    Ok(())
}

/// What came of a phase.
struct Outcome {
    refused: Option<OpenError>,
    played: Played,
}

impl Phase {
    /// The disk on which it begins, with the units that are in the store.
    fn base(self, script: &Script) -> SimulatedDisk {
        let disk = SimulatedDisk::new();
        if matches!(self, Self::Begin) {
            return disk;
        }
        let engine = open(&disk).unwrap_or_else(|error| panic!("a sound disk: {error}"));
        script.play(&engine, 0..BEFORE, PATIENCE);
        let killed = disk.after_kill();
        drop(engine);
        let base = if matches!(self, Self::Work) { disk } else { killed };
        if matches!(self, Self::IndexLost) {
            base.delete("index.redb");
        }
        base.after_kill()
    }

    const fn units_before(self) -> usize {
        if matches!(self, Self::Begin) { 0 } else { BEFORE }
    }

    fn run(self, disk: &SimulatedDisk, script: &Script, patience: usize) -> Outcome {
        let nothing = Played { acknowledged: self.units_before(), refused_though_done: false };
        if matches!(self, Self::Rebuild) {
            let back: Arc<dyn BackEnd> = Arc::new(disk.clone());
            let refused = rebuild_index(&back, &config(), |_| ()).err();
            return Outcome { refused, played: nothing };
        }
        match open(disk) {
            Ok(engine) => {
                let first = self.units_before();
                let played = script.play(&engine, first..first + DURING, patience);
                Outcome { refused: None, played }
            }
            Err(refused) => Outcome { refused: Some(refused), played: nothing },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn any_operation_may_fail_while_a_store_begins_works_replays_and_rebuilds() {
        let mut run = Run::new(3, Instant::now() + Duration::from_mins(10));
        every_operation(&mut run, 47);
        let (findings, done) = run.into_parts();
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(done["failing operations"] > 60, "{done:?}");
    }
}
