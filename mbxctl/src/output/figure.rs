//! Figures for people: counts, sizes, spans, moments, short ids.

use jiff::tz::TimeZone;
use mbx_common::id::{DeliveryId, MessageId};
use mbx_common::time::Timestamp;

/// A count with its thousands apart: `4 190 233`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count and its thing: `1 row`, `2 rows`.
pub fn things(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A size with one decimal: `41.2 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, factor) in UNITS {
        if bytes >= factor {
            let whole = bytes / factor;
            if whole >= 100 {
                return format!("{} {unit}", count(whole));
            }
            let tenth = bytes % factor * 10 / factor;
            return format!("{whole}.{tenth} {unit}");
        }
    }
    format!("{bytes} B")
}

/// A span in its largest fitting unit: `41 d`, `3 min`, `8 s`.
pub fn span_s(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Microseconds as milliseconds with one decimal: `7.8 ms`.
pub fn millis(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

/// An id's prefix and as many digits as tell it apart: `mbx_4f3a9c21`. Ids of deliveries and
/// messages begin with their moment, 12 digits, so that 16 are needed.
pub fn short_id(id: &str) -> String {
    let Some((prefix, digits)) = id.split_once('_') else { return id.to_owned() };
    let len = if matches!(prefix, DeliveryId::PREFIX | MessageId::PREFIX) { 16 } else { 8 };
    format!("{prefix}_{}", digits.chars().take(len).collect::<String>())
}

/// How moments are shown.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// UTC.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// This machine's zone.
    pub fn local() -> Self {
        Self(TimeZone::system())
    }

    /// To the minute, with offset: `2026-11-24 03:41 +01:00`.
    pub fn minute(&self, moment: Timestamp) -> String {
        self.format(moment, if self.is_utc() { "%Y-%m-%d %H:%MZ" } else { "%Y-%m-%d %H:%M %:z" })
    }

    /// To the second, without offset, for tables: `2026-11-24 03:41:10`, `…Z` in UTC.
    pub fn second(&self, moment: Timestamp) -> String {
        self.format(moment, if self.is_utc() { "%Y-%m-%d %H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%S" })
    }

    /// To the millisecond, with offset: `2026-11-24 03:41:10.411 +01:00`.
    pub fn milli(&self, moment: Timestamp) -> String {
        let form =
            if self.is_utc() { "%Y-%m-%d %H:%M:%S.%3fZ" } else { "%Y-%m-%d %H:%M:%S.%3f %:z" };
        self.format(moment, form)
    }

    /// The day: `2026-11-24`.
    pub fn day(&self, moment: Timestamp) -> String {
        self.format(moment, "%Y-%m-%d")
    }

    /// The time of day: `03:41`.
    pub fn clock(&self, moment: Timestamp) -> String {
        self.format(moment, if self.is_utc() { "%H:%MZ" } else { "%H:%M" })
    }

    fn is_utc(&self) -> bool {
        self.0 == TimeZone::UTC
    }

    fn format(&self, moment: Timestamp, form: &str) -> String {
        i64::try_from(moment.as_millis())
            .ok()
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .map_or_else(String::new, |at| {
                at.to_zoned_datetime(self.0.clone()).strftime(form).to_string()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(4_190_233), "4 190 233");
    }

    #[test]
    fn sizes_have_one_decimal_below_a_hundred() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(412 << 30), "412 GiB");
        assert_eq!(bytes(u64::MAX), "16 777 215 TiB");
    }

    #[test]
    fn spans_take_their_largest_fitting_unit() {
        assert_eq!(span_s(8), "8 s");
        assert_eq!(span_s(180), "3 min");
        assert_eq!(span_s(41 * 86_400), "41 d");
    }

    #[test]
    fn ids_are_cut_to_what_tells_them_apart() {
        let delivery = "dlv_0199abcdef0123456789abcdef012345";
        assert_eq!(short_id(delivery), "dlv_0199abcdef012345");
        assert_eq!(short_id("mbx_4f3a9c21000000000000000000000000"), "mbx_4f3a9c21");
        assert_eq!(short_id("162021004748"), "162021004748");
    }

    #[test]
    fn moments_are_shown_with_their_zone() {
        let moment: Timestamp = "2026-11-24T02:41:10.411Z".parse().unwrap();
        assert_eq!(Zone::utc().second(moment), "2026-11-24 02:41:10Z");
        let stockholm = Zone(TimeZone::fixed(jiff::tz::offset(1)));
        assert_eq!(stockholm.minute(moment), "2026-11-24 03:41 +01:00");
        assert_eq!(stockholm.milli(moment), "2026-11-24 03:41:10.411 +01:00");
    }
}
