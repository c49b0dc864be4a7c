//! The handle that edges hold: every act on a mailbox goes through it.

use super::refuse::Flood;
use super::staff::{Commits, Stats};
use crate::access::Rules;
use crate::clock::Clock;
use crate::jobs::Jobs;
use crate::keys::Keys;
use crate::store::{Floods, Refusals, Store};
use mbx_common::assurance::Loa;
use mbx_common::audit::Event;
use mbx_common::time::Timestamp;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

const DAY_MS: u64 = 86_400_000;

/// What the installation decides about mailboxes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Who may do what.
    pub rules: Rules,
    /// Lowest level at which terms may have been accepted.
    pub registration_loa: Loa,
    /// The terms in force; without them nobody can be registered.
    pub terms: Option<Terms>,
    /// How long a deleted message can be restored, in milliseconds.
    pub restore_window_ms: u64,
    /// How long a `deliverSecure` is recognised as a repeat, in milliseconds.
    pub repeat_window_ms: u64,
    /// How long a `notify` is recognised as a repeat, in milliseconds.
    pub notify_repeat_window_ms: u64,
}

/// The terms in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    /// Name of the version.
    pub version: String,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
}

impl Default for Options {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            registration_loa: rules.profile.loa_to_enter(),
            rules,
            terms: None,
            restore_window_ms: 30 * DAY_MS,
            repeat_window_ms: 30 * DAY_MS,
            notify_repeat_window_ms: DAY_MS,
        }
    }
}

/// What the service works with.
#[derive(Debug)]
pub struct Surroundings {
    /// Rows, contents, audit log.
    pub store: Store,
    /// Every key.
    pub keys: Keys,
    /// Long work.
    pub jobs: Jobs,
    /// The time.
    pub clock: Clock,
}

/// The mailboxes of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Mailboxes(Arc<Inner>);

struct Inner {
    store: Store,
    keys: Keys,
    jobs: Jobs,
    clock: Clock,
    options: RwLock<Arc<Options>>,
    sequence: Sequence,
    /// Refused deliveries.
    floods: Floods<Flood>,
    /// Refused calls of portals.
    refusals: Refusals,
    /// How long the newest deliveries took to become durable.
    commits: Commits,
    /// Repeats take turns: many of one delivery at once would else each find its count changed.
    repeats: tokio::sync::Mutex<()>,
    /// The last count of everything.
    stats: tokio::sync::Mutex<Option<Stats>>,
}

impl Mailboxes {
    /// The service over these surroundings.
    pub fn new(surroundings: Surroundings, options: Options) -> Self {
        let Surroundings { store, keys, jobs, clock } = surroundings;
        Self(Arc::new(Inner {
            store,
            keys,
            jobs,
            clock,
            options: RwLock::new(Arc::new(options)),
            sequence: Sequence::default(),
            floods: Floods::default(),
            refusals: Refusals::counted_as(Event::HoldersRefusedCounted),
            commits: Commits::default(),
            repeats: tokio::sync::Mutex::default(),
            stats: tokio::sync::Mutex::default(),
        }))
    }

    /// Puts other options in force, for calls that begin from now on.
    pub fn set_options(&self, options: Options) {
        *self.0.options.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(options);
    }

    /// The options in force.
    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&self.0.options.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(super) fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.0.sequence.next(self.now())
    }

    pub(super) fn floods(&self) -> &Floods<Flood> {
        &self.0.floods
    }

    /// The turn of a repeat.
    pub(super) async fn repeats(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.repeats.lock().await
    }

    pub(super) fn commits(&self) -> &Commits {
        &self.0.commits
    }

    pub(super) fn kept_stats(&self) -> &tokio::sync::Mutex<Option<Stats>> {
        &self.0.stats
    }

    pub(super) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }
}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailboxes")
    }
}

/// Gives every message its place in the order of arrival: milliseconds since 1970 in the upper 48
/// bits, a counter in the lower 16. Each number is greater than all before it in this process; a
/// clock that was set back may repeat numbers of an earlier one, so every use expects the key to
/// be absent.
#[derive(Default)]
struct Sequence(AtomicU64);

impl Sequence {
    fn next(&self, now: Timestamp) -> u64 {
        let from_clock = now.as_millis() << 16;
        let next = |last: u64| last.saturating_add(1).max(from_clock);
        let last = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        next(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_rise_even_when_the_clock_stands_or_goes_back() {
        let sequence = Sequence::default();
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        let numbers: Vec<u64> =
            [1000, 1000, 999, 1001, 5].into_iter().map(|ms| sequence.next(at(ms))).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert_eq!(numbers[0], 1000 << 16);
        assert_eq!(numbers[3], 1001 << 16);
    }
}
