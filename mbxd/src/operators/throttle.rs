//! Growing delays between login attempts, per account and per uid.
//!
//! Delays instead of lock-out: nobody can lock another's account for good by typing wrong
//! passwords. They live in memory; a restart begins anew.

use mbx_common::time::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;

/// Attempts that cost nothing: people mistype.
const FREE_ATTEMPTS: u32 = 3;
/// Longest delay of an account, so that others can slow its owner down but not keep them out.
const NAME_DELAY_MAX_MS: u64 = 60_000;
/// Longest delay of a uid.
const UID_DELAY_MAX_MS: u64 = 15 * 60_000;
/// Attempts are forgotten after so long without one.
const FORGET_MS: u64 = 60 * 60_000;
/// Accounts or uids that are remembered; the ones that have waited longest are dropped.
const KEPT_MAX: usize = 4096;

/// How long an attempt must wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wait {
    /// Milliseconds until the next attempt is looked at.
    pub(super) ms: u64,
    /// Whether this is the first attempt within the wait: one entry tells of all of them.
    pub(super) is_first: bool,
}

/// Who must wait for how long.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    names: HashMap<String, Record>,
    uids: HashMap<u32, Record>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    attempts: u32,
    last: Timestamp,
    next: Timestamp,
    is_noted: bool,
}

impl Throttle {
    /// Takes up an attempt, or says how long it must wait. Counted as failed until
    /// [`Throttle::succeeded`], so that attempts side by side gain nothing.
    pub(super) fn begin(&mut self, name: &str, uid: u32, now: Timestamp) -> Result<(), Wait> {
        let waits = [wait(&mut self.names, name, now), wait(&mut self.uids, &uid, now)];
        if let Some(wait) = waits.into_iter().flatten().max_by_key(|wait| wait.ms) {
            return Err(wait);
        }
        count(&mut self.names, name.to_owned(), now, NAME_DELAY_MAX_MS);
        count(&mut self.uids, uid, now, UID_DELAY_MAX_MS);
        Ok(())
    }

    /// Forgets the attempts of whoever now is logged in.
    pub(super) fn succeeded(&mut self, name: &str, uid: u32) {
        self.names.remove(name);
        self.uids.remove(&uid);
    }
}

fn wait<K, Q>(records: &mut HashMap<K, Record>, key: &Q, now: Timestamp) -> Option<Wait>
where
    K: Eq + Hash + std::borrow::Borrow<Q>,
    Q: Eq + Hash + ?Sized,
{
    let record = records.get_mut(key).filter(|record| now < record.next)?;
    if now < record.last {
        // The clock was set back: the delay is the same, from now on.
        let delay_ms = record.next.since(record.last);
        (record.last, record.next) = (now, now.plus_millis(delay_ms));
    }
    let is_first = !record.is_noted;
    record.is_noted = true;
    Some(Wait { ms: record.next.since(now), is_first })
}

fn count<K: Clone + Eq + Hash>(
    records: &mut HashMap<K, Record>,
    key: K,
    now: Timestamp,
    delay_max_ms: u64,
) {
    if records.len() >= KEPT_MAX && !records.contains_key(&key) {
        let oldest = records.iter().min_by_key(|(_, record)| record.last);
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            records.remove(&oldest);
        }
    }
    let fresh = Record { attempts: 0, last: now, next: now, is_noted: false };
    let record = records.entry(key).or_insert(fresh);
    if now.apart(record.last) >= FORGET_MS {
        record.attempts = 0;
    }
    record.attempts = record.attempts.saturating_add(1);
    record.last = now;
    record.next = now.plus_millis(delay_ms(record.attempts).min(delay_max_ms));
    record.is_noted = false;
}

/// Nothing for the free attempts, then 1 s, doubled each time.
fn delay_ms(attempts: u32) -> u64 {
    let Some(over) = attempts.checked_sub(FREE_ATTEMPTS) else { return 0 };
    if over == 0 { 0 } else { 1000_u64.saturating_mul(1 << (over - 1).min(20)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_lengthens_no_delay() {
        let mut throttle = Throttle::default();
        let year = 365 * 24 * 60 * 60_000;
        while throttle.begin("anna", 7, at(year)).is_ok() {}
        let wait = throttle.begin("anna", 7, at(0)).unwrap_err();
        assert!(wait.ms <= NAME_DELAY_MAX_MS, "{} ms", wait.ms);
        assert_eq!(throttle.begin("anna", 7, at(wait.ms)), Ok(()));
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + ms).unwrap()
    }

    #[test]
    fn three_attempts_are_free_and_then_the_delay_doubles_up_to_its_limit() {
        let mut throttle = Throttle::default();
        let mut now = 0;
        let mut delays = Vec::new();
        for _ in 0..14 {
            while let Err(wait) = throttle.begin("anna", 7, at(now)) {
                delays.push(wait.ms);
                now += wait.ms;
            }
        }
        assert_eq!(delays[..7], [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000]);
        assert_eq!(delays.len(), 10);
        assert_eq!(throttle.uids[&7].next.since(at(now)), UID_DELAY_MAX_MS);
        assert_eq!(throttle.names["anna"].next.since(at(now)), NAME_DELAY_MAX_MS);
    }

    #[test]
    fn an_account_is_slowed_whatever_uid_tries_but_for_a_minute_at_most() {
        let mut throttle = Throttle::default();
        for uid in 0..30 {
            let _wait = throttle.begin("anna", uid, at(u64::from(uid) * 60_000));
        }
        let wait = throttle.begin("anna", 99, at(29 * 60_000)).unwrap_err();
        assert_eq!(wait.ms, NAME_DELAY_MAX_MS);
        assert!(throttle.begin("bo", 99, at(29 * 60_000)).is_ok());
    }

    #[test]
    fn success_and_an_hour_of_rest_forget_the_attempts() {
        let mut throttle = Throttle::default();
        for _ in 0..4 {
            let _wait = throttle.begin("anna", 7, at(0));
        }
        assert!(throttle.begin("anna", 7, at(0)).is_err());
        throttle.succeeded("anna", 7);
        assert!(throttle.begin("anna", 7, at(0)).is_ok());
        for _ in 0..3 {
            let _wait = throttle.begin("anna", 7, at(0));
        }
        for _ in 0..3 {
            assert!(throttle.begin("anna", 7, at(FORGET_MS)).is_ok());
        }
    }

    #[test]
    fn only_the_first_attempt_within_a_wait_is_noted() {
        let mut throttle = Throttle::default();
        for _ in 0..4 {
            throttle.begin("anna", 7, at(0)).unwrap();
        }
        assert!(throttle.begin("anna", 7, at(0)).unwrap_err().is_first);
        assert!(!throttle.begin("anna", 7, at(1)).unwrap_err().is_first);
    }

    #[test]
    fn a_flood_of_names_does_not_grow_the_memory() {
        let mut throttle = Throttle::default();
        for number in 0..KEPT_MAX + 100 {
            let uid = u32::try_from(number).unwrap();
            let _wait = throttle.begin(&format!("n{number}"), uid, at(0));
        }
        assert_eq!((throttle.names.len(), throttle.uids.len()), (KEPT_MAX, KEPT_MAX));
    }
}
