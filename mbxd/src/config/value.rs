//! Values with units, as they are written in the configuration.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A text that is no size or span of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected {expected}")]
pub struct BadValue {
    expected: &'static str,
}

/// A number of bytes, written with a unit: `"64 KiB"`, `"16 MiB"`, `"2 GiB"`, `"512 B"`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ByteSize(u64);

impl ByteSize {
    const UNITS: [(&'static str, u64); 4] =
        [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

    /// A size of so many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A size of so many MiB.
    pub const fn mib(mib: u32) -> Self {
        Self((1 << 20) * widen(mib))
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory, at most the largest there is.
    pub fn as_len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

#[expect(clippy::as_conversions, reason = "widening; `From` is not const")]
const fn widen(value: u32) -> u64 {
    value as u64
}

impl FromStr for ByteSize {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        quantity(text, &Self::UNITS).map(Self).ok_or(BadValue {
            expected: "a size such as \"512 B\", \"64 KiB\", \"16 MiB\", \"2 GiB\"",
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantity(f, self.0, &Self::UNITS)
    }
}

/// A span of time, written with a unit: `"250 ms"`, `"30 s"`, `"5 min"`, `"24 h"`, `"30 d"`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Span(u64);

impl Span {
    const UNITS: [(&'static str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

    /// A span of so many milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(ms)
    }

    /// A span of so many seconds.
    pub const fn secs(secs: u32) -> Self {
        Self(1000 * widen(secs))
    }

    /// The span in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The span for timers.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl FromStr for Span {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        quantity(text, &Self::UNITS).map(Self).ok_or(BadValue {
            expected: "a span of time such as \"250 ms\", \"30 s\", \"5 min\", \"24 h\", \"30 d\"",
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantity(f, self.0, &Self::UNITS)
    }
}

/// Reads a whole number and one of the units; `None` past 2⁶⁴.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes the largest unit that divides the value.
fn write_quantity(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fits =
        |&&(_, factor): &&(&str, u64)| value.is_multiple_of(factor) && (value > 0 || factor == 1);
    match units.iter().find(fits) {
        Some((unit, factor)) => write!(f, "{} {unit}", value / factor),
        None => write!(f, "{value}"),
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

as_text!(ByteSize, Span);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_read_and_written_alike() {
        for text in ["512 B", "64 KiB", "16 MiB", "2 GiB", "0 B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for text in ["250 ms", "30 s", "5 min", "24 h", "30 d"] {
            let span = text.parse::<Span>().unwrap();
            assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
        assert_eq!("90s".parse::<Span>(), Ok(Span::secs(90)));
    }

    #[test]
    fn numbers_without_a_unit_and_overflow_are_refused() {
        assert!("16".parse::<ByteSize>().is_err());
        assert!("-1 s".parse::<Span>().is_err());
        assert!("1.5 h".parse::<Span>().is_err());
        assert!("99999999999999999999 B".parse::<ByteSize>().is_err());
        assert!("18446744073709551615 GiB".parse::<ByteSize>().is_err());
    }
}
