//! Many cases, one after the other, with what came of them.

use crate::base::Parties;
use crate::disagree::compare;
use crate::judge::{Refused, Taken, hold, product};
use crate::keys::Keyring;
use crate::oracle::{Oracle, Peer};
use crate::scene::{Case, case};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

/// Cases under way at the verifiers at a time.
const BATCH: u64 = 64;

/// Keys and verifiers that many cases share.
#[derive(Debug)]
pub struct Forge {
    keys: Keyring,
    parties: Parties,
    oracles: Vec<Oracle>,
    asked: Asked,
}

/// Which cases the verifiers judge besides: one in so many of each kind, by the seed.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Of what the product takes.
    pub taken: u64,
    /// Of what it refuses.
    pub refused: u64,
}

/// What came of some cases.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were taken.
    pub taken: u64,
    /// How many were refused.
    pub refused: u64,
    /// How the verdicts of a verifier stand to ours: how many of each class.
    pub classes: BTreeMap<(Peer, &'static str), u64>,
    /// How many cases with a move were taken, and refused.
    pub moves: BTreeMap<&'static str, [u64; 2]>,
    /// What must not be.
    pub findings: Vec<String>,
}

impl Forge {
    /// A forge with keys of its own and the verifiers that are installed.
    pub fn new(asked: Asked) -> Self {
        let oracles = [Peer::Python, Peer::Java].into_iter().filter_map(Oracle::start).collect();
        Self { keys: Keyring::generate(), parties: Parties::default(), oracles, asked }
    }

    /// How many verifiers judge besides.
    pub fn peers(&self) -> usize {
        self.oracles.len()
    }

    /// Judges the cases of these seeds.
    pub fn run(&mut self, seeds: Range<u64>) -> Report {
        let mut report = Report::default();
        let mut from = seeds.start;
        while from < seeds.end {
            let until = seeds.end.min(from + BATCH);
            let made: Vec<_> = (from..until).map(|seed| self.make(seed)).collect();
            for (case, verdict, is_asked) in &made {
                self.judge(case, verdict, *is_asked, &mut report);
            }
            from = until;
        }
        report
    }

    fn make(&mut self, seed: u64) -> (Case, Result<Taken, Refused>, bool) {
        let case = case(seed, &self.keys, &self.parties);
        let verdict = product(&case.octets);
        let one_in = if verdict.is_ok() { self.asked.taken } else { self.asked.refused };
        let is_asked = seed.is_multiple_of(one_in);
        if is_asked {
            self.oracles.iter_mut().for_each(|oracle| oracle.ask(case.octets.clone()));
        }
        (case, verdict, is_asked)
    }

    fn judge(
        &mut self,
        case: &Case,
        verdict: &Result<Taken, Refused>,
        is_asked: bool,
        report: &mut Report,
    ) {
        let side = usize::from(verdict.is_err());
        report.taken += u64::from(verdict.is_ok());
        report.refused += u64::from(verdict.is_err());
        for one in &case.moves {
            report.moves.entry(one.name).or_default()[side] += 1;
        }
        let mut wrong = Vec::from_iter(hold(case, &self.keys, verdict).err());
        let asked = self.oracles.iter_mut().filter(|_| is_asked);
        for oracle in asked {
            let answer = oracle.answer().expect("the verifier answers");
            match compare(case, &self.keys, verdict, oracle.peer, &answer) {
                Ok(class) => *report.classes.entry((oracle.peer, class)).or_default() += 1,
                Err(why) => wrong.push(why),
            }
        }
        for why in wrong {
            let file = std::env::temp_dir().join(format!("mbx-forge-{}.xml", case.seed));
            let kept = std::fs::write(&file, &case.octets).map_or_else(
                |error| error.to_string(),
                |()| format!("the request is kept as {}", file.display()),
            );
            let (seed, told) = (case.seed, case.told());
            report.findings.push(format!("case {seed} ({told}): {why}; {kept}"));
        }
    }
}

impl Report {
    /// What came of the cases, in lines.
    pub fn told(&self) -> String {
        let mut out = format!("{} taken, {} refused\n", self.taken, self.refused);
        for ((peer, class), count) in &self.classes {
            let _ = writeln!(out, "{count:>8} {peer:?}: {class}");
        }
        for (name, [taken, refused]) in &self.moves {
            let _ = writeln!(out, "{taken:>8} taken {refused:>8} refused: {name}");
        }
        out
    }

    /// Adds another report to this one.
    pub fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.refused += other.refused;
        self.findings.extend(other.findings);
        for (class, count) in other.classes {
            *self.classes.entry(class).or_default() += count;
        }
        for (name, counts) in other.moves {
            let sums = self.moves.entry(name).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
}
