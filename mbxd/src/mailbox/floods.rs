//! Refusals of the same sender and cause within a minute, counted instead of written.

use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use std::collections::HashMap;

/// Counters kept at most; past it, refusals of unseen pairs are written one by one.
const COUNTERS_MAX: usize = 4096;
const MINUTE_MS: u64 = 60_000;

/// Whose refusals, and of what cause (the number of our `MBX-nnnn`).
pub(super) type Flood = (Option<OrganisationNumber>, u16);

/// Refusals that were counted in a minute that is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Counted {
    pub(super) flood: Flood,
    pub(super) calls: u64,
    /// When the minute began.
    pub(super) minute: Timestamp,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Floods(HashMap<Flood, Counter>);

#[derive(Debug)]
struct Counter {
    minute: u64,
    calls: u64,
}

impl Floods {
    /// Whether this refusal is to be written; otherwise it was counted.
    pub(super) fn admit(&mut self, flood: Flood, now: Timestamp) -> Admitted {
        let minute = now.as_millis() / MINUTE_MS;
        if let Some(counter) = self.0.get_mut(&flood) {
            if counter.minute == minute {
                counter.calls = counter.calls.saturating_add(1);
                return Admitted::Counted;
            }
            let counted = counter.counted(flood);
            *counter = Counter { minute, calls: 0 };
            return Admitted::Write { before: counted };
        }
        if self.0.len() < COUNTERS_MAX {
            self.0.insert(flood, Counter { minute, calls: 0 });
        }
        Admitted::Write { before: None }
    }

    /// Forgets a pair whose first refusal could not be written.
    pub(super) fn forget(&mut self, flood: Flood) {
        self.0.remove(&flood);
    }

    /// Takes out what was counted in minutes that are over; in every minute, where `all`.
    pub(super) fn take_over(&mut self, now: Timestamp, all: bool) -> Vec<Counted> {
        let minute = now.as_millis() / MINUTE_MS;
        self.0
            .extract_if(|_, counter| all || counter.minute != minute)
            .filter_map(|(flood, counter)| counter.counted(flood))
            .collect()
    }
}

impl Counter {
    fn counted(&self, flood: Flood) -> Option<Counted> {
        let minute = Timestamp::EPOCH.plus_millis(self.minute.saturating_mul(MINUTE_MS));
        (self.calls > 0).then_some(Counted { flood, calls: self.calls, minute })
    }
}

/// What to do with a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admitted {
    /// Write it, after what the minute before counted.
    Write { before: Option<Counted> },
    /// It was counted.
    Counted,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOD: Flood = (None, 3001);

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    #[test]
    fn one_refusal_a_minute_is_written_and_the_rest_counted() {
        let mut floods = Floods::default();
        assert_eq!(floods.admit(FLOOD, at(60_000)), Admitted::Write { before: None });
        for _ in 0..5 {
            assert_eq!(floods.admit(FLOOD, at(119_999)), Admitted::Counted);
        }
        assert_eq!(floods.admit((None, 3002), at(119_999)), Admitted::Write { before: None });
        let before = Some(Counted { flood: FLOOD, calls: 5, minute: at(60_000) });
        assert_eq!(floods.admit(FLOOD, at(120_000)), Admitted::Write { before });
    }

    #[test]
    fn a_flood_that_ends_is_told_after_its_minute() {
        let mut floods = Floods::default();
        floods.admit(FLOOD, at(0));
        floods.admit(FLOOD, at(1));
        assert_eq!(floods.take_over(at(59_999), false), []);
        let counted = Counted { flood: FLOOD, calls: 1, minute: at(0) };
        assert_eq!(floods.take_over(at(60_000), false), [counted]);
        assert_eq!(floods.take_over(at(60_000), true), []);
    }

    #[test]
    fn memory_stays_bounded_under_ever_new_causes() {
        let mut floods = Floods::default();
        for cause in 0..10_000 {
            assert_eq!(floods.admit((None, cause), at(0)), Admitted::Write { before: None });
        }
        assert!(floods.0.len() <= COUNTERS_MAX);
    }
}
