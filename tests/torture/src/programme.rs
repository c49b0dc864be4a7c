//! What a programme is, and one round of it.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// One kind of torment.
#[derive(Clone, Copy, Debug)]
pub struct Programme {
    /// What `--only` calls it.
    pub name: &'static str,
    /// What it does, in half a sentence, for `--list`.
    pub what: &'static str,
    /// One round: everything that it does follows from the round's seed. A panic is a finding.
    pub run: fn(&mut Run),
}

/// One round of one programme.
#[derive(Debug)]
pub struct Run {
    seed: u64,
    until: Instant,
    findings: Vec<String>,
    done: BTreeMap<&'static str, u64>,
}

impl Run {
    /// A round of a seed that should have ended at `until`.
    pub fn new(seed: u64, until: Instant) -> Self {
        Self { seed, until, findings: Vec::new(), done: BTreeMap::new() }
    }

    /// The seed that repeats this round.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Random numbers that follow from the seed; each part of a round names its own, so that a
    /// change of one part leaves the others as they were.
    pub fn rng(&self, part: &str) -> ChaCha20Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(part);
        ChaCha20Rng::from_seed(hash.finalize().into())
    }

    /// Whether a long round should end early. What it leaves out, it must not count as done.
    pub fn time_is_up(&self) -> bool {
        self.time_left().is_zero()
    }

    /// How long the round may still take.
    pub fn time_left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Something that must not be, in one line.
    pub fn finding(&mut self, what: impl Display) {
        self.findings.push(what.to_string().replace('\n', " "));
    }

    /// Adds to what was done: `done(1000, "power-loss images")`.
    pub fn done(&mut self, count: u64, unit: &'static str) {
        let sum = self.done.entry(unit).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Findings in their order, and what was done.
    pub fn into_parts(self) -> (Vec<String>, BTreeMap<&'static str, u64>) {
        (self.findings, self.done)
    }
}
