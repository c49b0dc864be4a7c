//! What is counted: openings per purpose, latencies per operation, errors by code.

use super::KeyPurpose;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Error codes that are told apart; vendors' codes past that count as `Other`.
const CODES_MAX: usize = 64;

/// What a worker was asked to do, as far as latencies are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Sealing a secret.
    Seal,
    /// Opening a secret.
    Open,
    /// Signing.
    Sign,
    /// Known-answer operations.
    Canary,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 4] = [Self::Seal, Self::Open, Self::Sign, Self::Canary];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Open => "open",
            Self::Sign => "sign",
            Self::Canary => "canary",
        }
    }
}

/// Latencies of one operation: waiting in the queue and the token's own time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Latency {
    /// Calls in each bucket of [`Self::BOUNDS_US`], the last bucket being all slower ones.
    pub buckets: [u64; 13],
    /// Sum of all, in microseconds.
    pub sum_us: u64,
}

impl Latency {
    /// Upper bounds of the buckets, in microseconds, inclusive.
    pub const BOUNDS_US: [u64; 12] =
        [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 500_000, 1_000_000, 5_000_000];

    /// Calls in all.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let index = Self::BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket += 1;
        }
        self.sum_us = self.sum_us.saturating_add(us);
    }
}

/// Counters and latencies since the start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metrics {
    /// Latencies, in the order of [`Operation::ALL`].
    pub latency: [Latency; 4],
    /// Failed calls by the code that the token gave.
    pub errors: BTreeMap<String, u64>,
    /// Records that the token refused while its canary opened.
    pub tampered: u64,
    /// Calls that ran into their deadline.
    pub timeouts: u64,
    /// Calls refused because the queue was full.
    pub busy: u64,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Counters {
    opened: [AtomicU64; 8],
    rest: Mutex<Metrics>,
}

impl Counters {
    pub(super) fn opened(&self, purpose: KeyPurpose) {
        if let Some(counter) = self.opened.get(usize::from(purpose.code())) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Openings per purpose code.
    pub(super) fn openings(&self) -> [u64; 8] {
        self.opened.each_ref().map(|counter| counter.load(Ordering::Relaxed))
    }

    pub(super) fn took(&self, operation: Operation, took: Duration) {
        let index = Operation::ALL.iter().position(|other| *other == operation);
        self.change(|metrics| {
            if let Some(latency) = index.and_then(|index| metrics.latency.get_mut(index)) {
                latency.add(took);
            }
        });
    }

    pub(super) fn failed(&self, code: String) {
        self.change(|metrics| {
            let known = metrics.errors.contains_key(&code) || metrics.errors.len() < CODES_MAX;
            let code = if known { code } else { "Other".to_owned() };
            *metrics.errors.entry(code).or_default() += 1;
        });
    }

    pub(super) fn tampered(&self) {
        self.change(|metrics| metrics.tampered += 1);
    }

    pub(super) fn timeout(&self) {
        self.change(|metrics| metrics.timeouts += 1);
    }

    pub(super) fn busy(&self) {
        self.change(|metrics| metrics.busy += 1);
    }

    pub(super) fn snapshot(&self) -> Metrics {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Metrics)) {
        change(&mut self.rest.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_falls_in_the_first_bucket_that_is_not_shorter() {
        let mut latency = Latency::default();
        for us in [0, 100, 101, 5_000_000, 5_000_001, u64::MAX] {
            latency.add(Duration::from_micros(us));
        }
        assert_eq!(latency.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(latency.count(), 6);
    }

    #[test]
    fn a_flood_of_vendor_codes_does_not_grow_the_table() {
        let counters = Counters::default();
        for code in 0..1000 {
            counters.failed(format!("VendorDefined({code})"));
        }
        let errors = counters.snapshot().errors;
        assert!(errors.len() <= CODES_MAX + 1, "{}", errors.len());
        assert_eq!(errors.values().sum::<u64>(), 1000);
    }
}
