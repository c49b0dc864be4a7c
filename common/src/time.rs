//! Time as it is stored: UTC, whole milliseconds.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A moment in UTC, in milliseconds since 1970-01-01. Never before that, never past the year 9999.
///
/// Written as RFC 3339 with exactly three decimals and `Z`. Source: K4.8 (date and time).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

/// A number or text that names no moment between 1970 and 9999.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a moment between the years 1970 and 9999 in RFC 3339")]
pub struct BadTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00Z, the earliest moment.
    pub const EPOCH: Self = Self(0);
    const MAX_MS: u64 = 253_402_207_200_000;

    /// The moment `ms` milliseconds after the epoch.
    ///
    /// # Errors
    /// [`BadTimestamp`] past the year 9999.
    pub const fn from_millis(ms: u64) -> Result<Self, BadTimestamp> {
        if ms <= Self::MAX_MS { Ok(Self(ms)) } else { Err(BadTimestamp) }
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Whole days since the epoch.
    pub const fn as_days(self) -> u64 {
        self.0 / 86_400_000
    }

    /// This moment and `ms` milliseconds more, at most the end of the year 9999.
    #[must_use]
    pub const fn plus_millis(self, ms: u64) -> Self {
        let sum = self.0.saturating_add(ms);
        if sum > Self::MAX_MS { Self(Self::MAX_MS) } else { Self(sum) }
    }

    /// This moment less `ms` milliseconds, at least the epoch.
    #[must_use]
    pub const fn minus_millis(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 where `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds between the two moments, whichever is earlier: for waits that must end even
    /// where the clock was set back meanwhile.
    pub const fn apart(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let moment = jiff::Timestamp::from_millisecond(ms).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    /// Reads RFC 3339 with any offset; parts of a millisecond are dropped.
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| BadTimestamp)?;
        u64::try_from(moment.as_millisecond()).map_err(|_| BadTimestamp).and_then(Self::from_millis)
    }
}

impl Serialize for Timestamp {
    /// RFC 3339 for people, whole milliseconds in stored rows.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let ms = u64::deserialize(deserializer)?;
            return Self::from_millis(ms).map_err(D::Error::custom);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A span of time: `from` belongs to it, `until` does not.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Period {
    /// The first moment inside.
    pub from: Timestamp,
    /// The first moment after.
    pub until: Timestamp,
}

impl Period {
    /// Whether the moment lies inside.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_round_trips(ms in 0..=Timestamp::MAX_MS) {
            let moment = Timestamp::from_millis(ms).unwrap();
            prop_assert_eq!(moment.to_string().parse::<Timestamp>(), Ok(moment));
        }
    }

    #[test]
    fn an_offset_is_read_and_utc_is_written() {
        let moment: Timestamp = "2026-11-24T03:41:00.5+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-24T02:41:00.500Z");
    }

    #[test]
    fn moments_before_the_epoch_are_refused() {
        assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>(), Err(BadTimestamp));
    }

    #[test]
    fn a_period_ends_before_its_end() {
        let at = |ms| Timestamp::from_millis(ms).unwrap();
        let period = Period { from: at(10), until: at(20) };
        assert!(period.contains(at(10)) && period.contains(at(19)));
        assert!(!period.contains(at(9)) && !period.contains(at(20)));
    }
}
