//! Refusals of the same kind within a minute, counted instead of written: the one counter that
//! deliveries, portals and staff share.

use mbx_common::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters kept at most; past it, refusals of unseen kinds are written one by one.
const COUNTERS_MAX: usize = 4096;
const MINUTE_MS: u64 = 60_000;

/// Refusals that were counted in a minute that is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counted<K> {
    /// Whose, and of what cause.
    pub key: K,
    /// How many besides the first, which was written.
    pub calls: u64,
    /// When the minute began; of several whose counts could not be written, the first.
    pub minute: Timestamp,
}

/// What to do with a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admitted<K> {
    /// Write it, after what the minute before counted.
    Write {
        /// What was counted before, where anything was.
        before: Option<Counted<K>>,
    },
    /// It was counted.
    Counted,
}

/// One counter for each kind of refusal. They live in memory: what a crash loses is a count, the
/// first refusal of each minute is durable.
#[derive(Debug)]
pub struct Floods<K>(Mutex<HashMap<K, Counter>>);

#[derive(Debug)]
struct Counter {
    minute: u64,
    /// The first minute of those that `calls` counts.
    since: u64,
    calls: u64,
    /// Whether this minute's first refusal was written, or is being written.
    written: bool,
}

impl<K> Default for Floods<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Floods<K> {
    /// Whether this refusal is to be written; otherwise it was counted.
    pub fn admit(&self, key: &K, now: Timestamp) -> Admitted<K> {
        let minute = now.as_millis() / MINUTE_MS;
        let mut counters = self.counters();
        if let Some(counter) = counters.get_mut(key) {
            if counter.minute == minute && counter.written {
                counter.calls = counter.calls.saturating_add(1);
                return Admitted::Counted;
            }
            let before = counter.counted(key);
            *counter = Counter::of(minute);
            return Admitted::Write { before };
        }
        if counters.len() < COUNTERS_MAX {
            counters.insert(key.clone(), Counter::of(minute));
        }
        Admitted::Write { before: None }
    }

    /// Takes back that a refusal is written, because it could not be: the next of its kind is. What
    /// was counted in the meantime stays counted.
    pub fn unwritten(&self, key: &K) {
        if let Some(counter) = self.counters().get_mut(key) {
            counter.written = false;
        }
    }

    /// Counts anew what was given out and could not be written.
    pub fn put_back(&self, back: Counted<K>) {
        let since = back.minute.as_millis() / MINUTE_MS;
        let mut all = self.counters();
        let counter =
            all.entry(back.key).or_insert_with(|| Counter { written: false, ..Counter::of(since) });
        counter.since = counter.since.min(since);
        counter.calls = counter.calls.saturating_add(back.calls);
    }

    /// Takes out one count of a minute that is over; of any minute, where `all`. `None`: no more.
    pub fn take_over(&self, now: Timestamp, all: bool) -> Option<Counted<K>> {
        let minute = now.as_millis() / MINUTE_MS;
        self.counters()
            .extract_if(|_, counter| all || counter.minute != minute)
            .find_map(|(key, counter)| counter.counted(&key))
    }

    fn counters(&self) -> MutexGuard<'_, HashMap<K, Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    /// Of a minute whose first refusal is being written.
    const fn of(minute: u64) -> Self {
        Self { minute, since: minute, calls: 0, written: true }
    }

    fn counted<K: Clone>(&self, key: &K) -> Option<Counted<K>> {
        let minute = Timestamp::EPOCH.plus_millis(self.since.saturating_mul(MINUTE_MS));
        (self.calls > 0).then(|| Counted { key: key.clone(), calls: self.calls, minute })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender and the code of a cause.
    type Key = (Option<u64>, u16);

    const FLOOD: Key = (None, 3001);

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    #[test]
    fn one_refusal_a_minute_is_written_and_the_rest_counted() {
        let floods = Floods::<Key>::default();
        assert_eq!(floods.admit(&FLOOD, at(60_000)), Admitted::Write { before: None });
        for _ in 0..5 {
            assert_eq!(floods.admit(&FLOOD, at(119_999)), Admitted::Counted);
        }
        assert_eq!(floods.admit(&(None, 3002), at(119_999)), Admitted::Write { before: None });
        let before = Some(Counted { key: FLOOD, calls: 5, minute: at(60_000) });
        assert_eq!(floods.admit(&FLOOD, at(120_000)), Admitted::Write { before });
    }

    #[test]
    fn a_flood_that_ends_is_told_after_its_minute() {
        let floods = Floods::<Key>::default();
        floods.admit(&FLOOD, at(0));
        floods.admit(&FLOOD, at(1));
        assert_eq!(floods.take_over(at(59_999), false), None);
        let counted = Counted { key: FLOOD, calls: 1, minute: at(0) };
        assert_eq!(floods.take_over(at(60_000), false), Some(counted));
        assert_eq!(floods.take_over(at(60_000), true), None);
    }

    #[test]
    fn what_could_not_be_written_stays_counted() {
        let floods = Floods::<Key>::default();
        floods.admit(&FLOOD, at(0));
        floods.admit(&FLOOD, at(1));
        floods.unwritten(&FLOOD);
        let before = Counted { key: FLOOD, calls: 1, minute: at(0) };
        assert_eq!(floods.admit(&FLOOD, at(2)), Admitted::Write { before: Some(before) });
        floods.put_back(before);
        assert_eq!(floods.admit(&FLOOD, at(3)), Admitted::Counted);
        let both = Counted { calls: 2, ..before };
        assert_eq!(floods.take_over(at(60_000), false), Some(both));
        floods.put_back(both);
        assert_eq!(floods.admit(&FLOOD, at(60_001)), Admitted::Write { before: Some(both) });
    }

    #[test]
    fn memory_stays_bounded_under_ever_new_causes() {
        let floods = Floods::<Key>::default();
        for cause in 0..10_000 {
            assert_eq!(floods.admit(&(None, cause), at(0)), Admitted::Write { before: None });
        }
        assert!(floods.counters().len() <= COUNTERS_MAX);
    }
}
