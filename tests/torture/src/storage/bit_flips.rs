//! One bit flips in every 4 KiB block of log, index and keyring in turn: it is found and named, and
//! nothing altered is ever given out, nor anything silently missing.

use super::engine::{open, said, uncached, wait};
use super::load::is_intact;
use super::script::Script;
use crate::programme::{Programme, Run};
use bytes::Bytes;
use mbx_common::id::ContentId;
use mbxd::store::back_end::simulated::SimulatedDisk;
use mbxd::store::embedded::Embedded;
use mbxd::store::records::Records;
use mbxd::store::{Checked, Engine, Health, KeyRange, ReadError, Table};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The programme.
pub const BIT_FLIPS: Programme = Programme {
    name: "bit-flips",
    what: "a bit flips in every block of log, index and keyring: found, named, never served",
    run: |run| {
        every_block(run, UNITS, 1);
        every_block_of_a_keyring(run);
    },
};

const UNITS: usize = 120;
const BLOCK_LEN: u64 = 4096;
const INDEX: &str = "index.redb";
/// How long a store may take to mend its index.
const PATIENCE: Duration = Duration::from_mins(1);

/// All that a store answers, to be compared with what it answers later.
struct Known {
    rows: BTreeMap<(Table, Bytes), Bytes>,
    contents: BTreeMap<ContentId, Bytes>,
    leaves: Vec<Bytes>,
}

/// When the bit flips.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After an orderly end.
    Closed,
    /// After a kill.
    Killed,
    /// While the store serves.
    Serving,
}

/// Flips a bit in every `step`-th block of every file of a store, at every moment.
pub fn every_block(run: &mut Run, units: usize, step: usize) {
    let script = Script::new(run.rng("load"), units);
    let mut rng = run.rng("flips");
    let disk = SimulatedDisk::new();
    let engine = open(&disk).unwrap_or_else(|error| panic!("a sound disk: {error}"));
    script.play(&engine, 0..units, 0);
    let known = Known::of(&*engine).unwrap_or_else(|error| panic!("a sound store: {error}"));
    let killed = disk.after_kill();
    drop(engine);
    for moment in [Moment::Closed, Moment::Killed, Moment::Serving] {
        let base = if matches!(moment, Moment::Killed) { &killed } else { &disk };
        let files = base.names().into_iter().filter(|name| name != "lock");
        for name in files.collect::<Vec<_>>() {
            let bytes = base.contents(&name).unwrap_or_default();
            for block in (0..len(&bytes).div_ceil(BLOCK_LEN)).step_by(step) {
                let Some(flip) = Flip::within(&mut rng, &bytes, block) else { continue };
                run.done(1, "flipped bits");
                if let Err(what) = judge(base, moment, &name, flip, &known) {
                    let Flip { offset, bit } = flip;
                    run.finding(format_args!("{moment:?}, {name} byte {offset} bit {bit}: {what}"));
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Flip {
    offset: u64,
    bit: u8,
}

impl Flip {
    /// Some bit of a block; half the time one of a byte that is not zero, where there is any.
    fn within(rng: &mut ChaCha20Rng, bytes: &[u8], block: u64) -> Option<Self> {
        let start = block.saturating_mul(BLOCK_LEN);
        let end = start.saturating_add(BLOCK_LEN).min(len(bytes));
        if start >= end {
            return None;
        }
        let used: Vec<u64> = (start..end).filter(|at| byte_at(bytes, *at) != 0).collect();
        let any = rng.random_range(start..end);
        let offset = if used.is_empty() || rng.random_range(0..4) == 0 {
            any
        } else {
            used.get(rng.random_range(0..used.len())).copied().unwrap_or(any)
        };
        Some(Self { offset, bit: rng.random_range(0..8) })
    }
}

fn judge(
    base: &SimulatedDisk,
    moment: Moment,
    name: &str,
    flip: Flip,
    known: &Known,
) -> Result<(), String> {
    let disk = base.after_kill();
    let back = Arc::new(disk.clone());
    let before =
        matches!(moment, Moment::Serving).then(|| Embedded::open(back.clone(), &uncached()));
    disk.flip(name, flip.offset, flip.bit);
    let opened = before.unwrap_or_else(|| Embedded::open(back, &uncached()));
    let engine = match opened {
        Ok(engine) => engine,
        Err(refused) => {
            let told = said(&refused);
            // The damage has to be named; nothing is given out.
            return if told.contains(name) { Ok(()) } else { Err(format!("told as {told:?}")) };
        }
    };
    let put_aside = disk.names().iter().any(|file| file.starts_with(&format!("{name}.torn-")));
    let found = known.compare(&engine, put_aside)?;
    if found && name == INDEX && known.compare(&engine, false)? {
        return Err("the index stays damaged".to_owned());
    }
    let checked = check(&engine)?;
    let named = checked.iter().any(|(segment, damaged_at)| {
        name == format!("log/{segment:08}.seg") && *damaged_at <= flip.offset
    });
    if found && name != INDEX && !named && !put_aside {
        return Err(format!("something is damaged, and a check names {checked:?}"));
    }
    if !checked.is_empty() && !named {
        return Err(format!("a check names {checked:?}"));
    }
    Ok(())
}

/// Segments that are damaged, and from which byte on.
fn check(engine: &Embedded) -> Result<Vec<(u32, u64)>, String> {
    let (mut damaged, mut next) = (Vec::new(), None);
    loop {
        let Checked { segment, damaged_at, next: later, misplaced, .. } =
            wait(engine.check(next)).map_err(|error| format!("it cannot be checked: {error}"))?;
        damaged.extend(damaged_at.map(|at| (segment, at)));
        if misplaced > 0 {
            return Err(format!("the index leads elsewhere {misplaced} times"));
        }
        next = later;
        if next.is_none() {
            return Ok(damaged);
        }
    }
}

impl Known {
    fn of(engine: &dyn Engine) -> Result<Self, ReadError> {
        let mut known =
            Self { rows: BTreeMap::new(), contents: BTreeMap::new(), leaves: Vec::new() };
        for table in Table::ALL {
            let page = wait(engine.scan(table, KeyRange::all(), usize::MAX))?;
            known.rows.extend(page.rows.into_iter().map(|(key, value)| ((table, key), value)));
        }
        for (id, _) in wait(engine.contents(None, usize::MAX))? {
            known.contents.insert(id, wait(engine.content(id, 0..u64::MAX))?);
        }
        known.leaves = wait(engine.leaves(0, usize::MAX))?;
        Ok(known)
    }

    /// Compares all answers: each is right, or the thing is told as damaged. Whether any is. What
    /// was put aside from the end of the log may be missing: that was told.
    fn compare(&self, engine: &Embedded, put_aside: bool) -> Result<bool, String> {
        let mut damaged = false;
        for ((table, key), value) in &self.rows {
            match at_last(engine, || wait(engine.get(*table, key)))? {
                Ok(Some(found)) if found == *value => {}
                Ok(_) if put_aside => {}
                Ok(Some(_)) => return Err(format!("a row of {table:?} is given out altered")),
                Ok(None) => return Err(format!("a row of {table:?} is silently missing")),
                Err(_) => damaged = true,
            }
        }
        for table in Table::ALL {
            let scanned =
                at_last(engine, || wait(engine.scan(table, KeyRange::all(), usize::MAX)))?;
            let Ok(page) = scanned else {
                damaged = true;
                continue;
            };
            let expected = self.rows.iter().filter(|((of, _), _)| *of == table);
            let expected = expected.map(|((_, key), value)| (key, value));
            let same = page.rows.iter().map(|(key, value)| (key, value)).eq(expected);
            if !same && !put_aside {
                return Err(format!("a scan of {table:?} gives something else"));
            }
        }
        for (id, content) in &self.contents {
            match at_last(engine, || wait(engine.content(*id, 0..u64::MAX)))? {
                Ok(found) if found == *content => {}
                // What is sealed tells by itself that it was altered.
                Ok(found) if !is_intact(&found) => damaged = true,
                Ok(_) => return Err("another content is given out".to_owned()),
                Err(ReadError::NoContent) if put_aside => {}
                Err(ReadError::NoContent) => return Err("a content is silently missing".to_owned()),
                Err(_) => damaged = true,
            }
        }
        for (leaf, number) in self.leaves.iter().zip(0_u64..) {
            match at_last(engine, || wait(engine.leaves(number, 1)))? {
                Ok(found) if found.first() == Some(leaf) => {}
                Ok(_) if put_aside => {}
                Ok(_) => {
                    return Err(format!("audit entry {number} is given out altered or missing"));
                }
                Err(_) => damaged = true,
            }
        }
        Ok(damaged)
    }
}

/// Reads until the answer is not that it will pass.
fn at_last<T>(
    engine: &Embedded,
    mut read: impl FnMut() -> Result<T, ReadError>,
) -> Result<Result<T, ReadError>, String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = read();
        let passes = match &answer {
            Err(ReadError::Unavailable) => true,
            // Damage of the index is mended; of the log it stays, and the store serves.
            Err(ReadError::Damaged) => engine.health() == Health::Recovering,
            _ => false,
        };
        if !passes {
            // A damaged index is told to the reader before the store begins to mend it.
            return Ok(answer);
        }
        if engine.health() == Health::Damaged {
            return Err("the store gave up".to_owned());
        }
        if Instant::now() >= until {
            return Err("it does not recover".to_owned());
        }
        std::thread::yield_now();
    }
}

/// Flips a bit in every block of a keyring's file: every record is right or told as damaged, and a
/// file that lost what was in use is refused.
pub fn every_block_of_a_keyring(run: &mut Run) {
    const NAME: &str = "keyring/00000001.keys";
    let mut dice = run.rng("keyring");
    let disk = SimulatedDisk::new();
    let ring = Records::open(&disk, NAME).unwrap_or_else(|error| panic!("a sound disk: {error}"));
    let mut records = Vec::new();
    for _ in 0..60 {
        let batch: Vec<Bytes> = (0..dice.random_range(1..9)).map(|_| record(&mut dice)).collect();
        let positions = ring.append(&batch).unwrap_or_else(|error| panic!("a sound disk: {error}"));
        records.extend(positions.into_iter().zip(batch));
    }
    let in_use = ring.len_bytes();
    drop(ring);
    let bytes = disk.contents(NAME).unwrap_or_default();
    for block in 0..len(&bytes).div_ceil(BLOCK_LEN) {
        for _ in 0..8 {
            let Some(flip) = Flip::within(&mut dice, &bytes, block) else { continue };
            let altered = disk.after_kill();
            altered.flip(NAME, flip.offset, flip.bit);
            run.done(1, "flipped bits");
            if let Err(what) = judge_keyring(&altered, NAME, in_use, &records) {
                run.finding(format_args!("{NAME} byte {} bit {}: {what}", flip.offset, flip.bit));
            }
        }
    }
}

fn judge_keyring(
    disk: &SimulatedDisk,
    name: &str,
    in_use: u64,
    records: &[(u64, Bytes)],
) -> Result<(), String> {
    let Ok(ring) = Records::open_expecting(disk, name, in_use) else { return Ok(()) };
    for (position, record) in records {
        if ring.read(*position).is_ok_and(|found| found != *record) {
            return Err(format!("the record at {position} is given out altered"));
        }
    }
    let (mut scanned, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let Ok(page) = ring.scan(from) else { return Ok(()) };
        scanned.extend(page.records);
        next = page.next;
    }
    if scanned == records { Ok(()) } else { Err("a scan gives something else".to_owned()) }
}

fn record(rng: &mut ChaCha20Rng) -> Bytes {
    let mut record = vec![0; rng.random_range(60..400)];
    rng.fill_bytes(&mut record);
    record.into()
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn byte_at(bytes: &[u8], at: u64) -> u8 {
    usize::try_from(at).ok().and_then(|at| bytes.get(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_in_any_block_is_found_and_never_served() {
        let mut run = Run::new(5, Instant::now());
        every_block(&mut run, 60, 7);
        every_block_of_a_keyring(&mut run);
        let (findings, done) = run.into_parts();
        assert!(findings.is_empty(), "{findings:#?}");
        assert!(done["flipped bits"] > 200, "{done:?}");
    }
}
