//! A load with what the store must hold after each of its units, by the model.

use super::engine::{Unsound, config, said, wait, whole};
use super::load::{Load, Unit};
use mbxd::store::back_end::simulated::SimulatedDisk;
use mbxd::store::embedded::Embedded;
use mbxd::store::memory::Memory;
use mbxd::store::{CommitError, Committed, Engine};
use rand_chacha::ChaCha20Rng;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Between two attempts: the store's own first pause is not much longer.
const PAUSE: Duration = Duration::from_millis(5);

/// Units, and the whole of the store after each.
pub(super) struct Script {
    pub(super) units: Vec<Unit>,
    /// The first is the empty store's.
    wholes: Vec<[u8; 32]>,
}

impl Script {
    /// So many units, all of which will be done.
    pub(super) fn new(rng: ChaCha20Rng, units: usize) -> Self {
        let model = Memory::new();
        let mut load = Load::new(rng);
        let state = |model: &Memory| match whole(model) {
            Ok((_, whole)) => whole,
            Err(error) => panic!("the model is not sound: {error:?}"),
        };
        let mut script = Self { units: Vec::new(), wholes: vec![state(&model)] };
        for _ in 0..units {
            let unit = load.next_unit();
            if let Err(error) = commit(&model, &unit) {
                panic!("the model refuses a unit: {error}");
            }
            script.units.push(unit);
            script.wholes.push(state(&model));
        }
        script
    }

    /// Whether an engine holds the first units of the script, `least` of them at least; how many.
    pub(super) fn judge(&self, engine: &dyn Engine, least: usize) -> Result<usize, String> {
        let (units, whole) = match whole(engine) {
            Ok(found) => found,
            Err(Unsound::Read(error)) => return Err(format!("it cannot be read: {error}")),
            Err(Unsound::Inconsistent(what)) => return Err(what.to_owned()),
        };
        let units = usize::try_from(units).unwrap_or(usize::MAX);
        match self.wholes.get(units) {
            None => Err(format!("it holds {units} units, more than were asked for")),
            Some(_) if units < least => {
                Err(format!("{least} units were acknowledged, it holds {units}"))
            }
            Some(expected) if *expected != whole => {
                Err(format!("what it holds is not the state after {units} units"))
            }
            Some(_) => Ok(units),
        }
    }

    /// The same for the store of a disk, which must open and go on with the script; where its index
    /// is made again for that, it must have been damaged.
    pub(super) fn judge_disk(
        &self,
        disk: &SimulatedDisk,
        least: usize,
        index: Index,
    ) -> Result<usize, String> {
        let mut made_again = false;
        let back = Arc::new(disk.clone());
        let engine = Embedded::open_telling(back, &config(), |_| made_again = true)
            .map_err(|error| format!("it does not open: {}", said(&error)))?;
        if made_again && index == Index::Sound {
            return Err("its index was taken for damaged".to_owned());
        }
        let units = self.judge(&*engine, least)?;
        if let Some(next) = self.units.get(units) {
            commit(&*engine, next).map_err(|error| format!("it does not go on: {error}"))?;
            self.judge(&*engine, units.saturating_add(1))?;
        }
        Ok(units)
    }

    /// Does these of the units, as many as the disk lets be done. One that fails is asked for
    /// again, as callers do, so many times.
    pub(super) fn play(&self, engine: &Embedded, units: Range<usize>, patience: usize) -> Played {
        let mut played = Played { acknowledged: units.start, refused_though_done: false };
        for unit in self.units.get(units).unwrap_or_default() {
            let mut attempts = 0;
            loop {
                match commit(engine, unit) {
                    Ok(_) => break,
                    Err(CommitError::Expectation { .. } | CommitError::ContentExists) => {
                        played.refused_though_done = true;
                        return played;
                    }
                    Err(_) if attempts < patience => {
                        attempts = attempts.saturating_add(1);
                        std::thread::sleep(PAUSE);
                    }
                    Err(_) => return played,
                }
            }
            played.acknowledged = played.acknowledged.saturating_add(1);
        }
        played
    }
}

/// What may be the matter with a disk's index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Index {
    /// Nothing.
    Sound,
    /// It is lost, or half a sector of it was written.
    Damaged,
}

/// What came of playing.
pub(super) struct Played {
    /// Units that the store holds for certain.
    pub(super) acknowledged: usize,
    /// Whether a unit was answered as not done and was done all the same, in one process.
    pub(super) refused_though_done: bool,
}

/// Does one unit.
pub(super) fn commit(engine: &dyn Engine, unit: &Unit) -> Result<Committed, CommitError> {
    let Unit { changes, contents, entry } = unit.clone();
    wait(engine.commit(changes, contents, entry))
}
