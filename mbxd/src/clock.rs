//! The only reader of the wall clock.

use mbx_common::time::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far the wall clock may be ahead of the time that has passed before it counts as a leap, in
/// milliseconds.
const LEAP_MS: u64 = 10 * 60_000;

/// A leap that lasts so long is believed.
const SETTLED: Duration = Duration::from_hours(1);

/// Tells the time in UTC. Cheap to clone; a test may set and move it.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Manual(AtomicU64),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Source::Manual(AtomicU64::new(start.as_millis()))))
    }

    /// The present moment. A machine clock before 1970 reads as the epoch.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => system_now(),
            Source::Manual(ms) => Timestamp::EPOCH.plus_millis(ms.load(Ordering::Relaxed)),
        }
    }

    /// Sets a manual clock, back too; the machine's clock stays as it is.
    pub fn set(&self, to: Timestamp) {
        if let Source::Manual(ms) = &*self.0 {
            ms.store(to.as_millis(), Ordering::Relaxed);
        }
    }

    /// Moves a manual clock forward; the machine's clock stays as it is.
    pub fn advance(&self, by_ms: u64) {
        if let Source::Manual(ms) = &*self.0 {
            ms.fetch_add(by_ms, Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn system_now() -> Timestamp {
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    Timestamp::EPOCH.plus_millis(ms)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Tells whether the wall clock may be believed where something would be lost for ever by an error:
/// a clock that leaps ahead makes everything look expired, and may come back.
#[derive(Debug, Default)]
pub struct Steady {
    /// When the clock was last believed, and what it said.
    believed: Option<(Instant, Timestamp)>,
    /// Since when it has been another than it should be.
    off_since: Option<Instant>,
}

/// The wall clock is ahead of the time that has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Leap {
    /// By so many milliseconds.
    pub ahead_ms: u64,
}

impl Steady {
    /// Looks at the wall clock and at the time that has passed; to be called every minute.
    ///
    /// # Errors
    /// [`Leap`] while the clock is more than ten minutes ahead, for an hour at most: then it is
    /// believed. A clock that was set back makes nothing look expired, and is no error.
    pub fn look(&mut self, now: Timestamp, passed: Instant) -> Result<(), Leap> {
        let (then, said) = *self.believed.get_or_insert((passed, now));
        let ms = passed.saturating_duration_since(then).as_millis();
        let should_be = said.plus_millis(u64::try_from(ms).unwrap_or(u64::MAX));
        let off_since = *self.off_since.get_or_insert(passed);
        let is_settled = passed.saturating_duration_since(off_since) >= SETTLED;
        if now.apart(should_be) <= LEAP_MS || is_settled {
            *self = Self { believed: Some((passed, now)), off_since: None };
            return Ok(());
        }
        match now.since(should_be) {
            0 => Ok(()),
            ahead_ms => Err(Leap { ahead_ms }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    /// What [`Steady`] says minute after minute, the wall clock being off by so many minutes.
    fn looks(off_min: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let (began, mut steady) = (Instant::now(), Steady::default());
        let noon = Timestamp::from_millis(1_800_000_000_000).unwrap();
        let minutes = (0..).zip(off_min);
        let looks = minutes.map(|(minute, off): (u64, i64)| {
            let passed = began + Duration::from_millis(minute * MINUTE);
            let right = noon.plus_millis(minute * MINUTE);
            let off_ms = off.unsigned_abs() * MINUTE;
            let now = if off < 0 { right.minus_millis(off_ms) } else { right.plus_millis(off_ms) };
            steady.look(now, passed).is_ok()
        });
        looks.collect()
    }

    #[test]
    fn a_clock_that_leaps_ahead_and_comes_back_is_not_believed_meanwhile() {
        let year = 365 * 24 * 60;
        assert_eq!(looks([0, 0, year, year, 0, 0]), [true, true, false, false, true, true]);
        assert_eq!(looks([0, -year, 0, -year, year, 0]), [true, true, true, true, false, true]);
    }

    #[test]
    fn a_clock_that_is_corrected_by_a_little_is_believed_all_the_time() {
        assert!(looks([0, 1, -1, 3, 9, 0, 5]).into_iter().all(|believed| believed));
    }

    #[test]
    fn a_leap_that_lasts_is_believed_after_an_hour() {
        let said = looks([0].into_iter().chain([60; 70]));
        assert_eq!(said.iter().filter(|believed| !**believed).count(), 60);
        assert!(said.into_iter().skip(61).all(|believed| believed));
    }
}
