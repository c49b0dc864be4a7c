//! Counters and histograms of the whole process, as OpenMetrics text.
//!
//! A closed list: every metric stands in [`COUNTERS`] or [`HISTOGRAMS`], so that the handbook, the
//! alert rules and the code can be held against one another.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows. Counters of one family differ in their label's value.
#[derive(Debug)]
pub struct Counter {
    family: &'static Family,
    /// The label's value, where the family has a label.
    value: &'static str,
    count: AtomicU64,
}

/// What counters of one name have in common.
#[derive(Debug)]
pub struct Family {
    /// Name without the suffix `_total`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Name of its label; empty where it has none.
    pub label: &'static str,
}

impl Counter {
    const fn new(family: &'static Family, value: &'static str) -> Self {
        Self { family, value, count: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// Counts several.
    pub fn add(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
    }

    /// The count since the start of the process.
    pub fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Upper bounds of a histogram's buckets, in milliseconds.
const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// How long something took, in buckets.
#[derive(Debug)]
pub struct Histogram {
    name: &'static str,
    help: &'static str,
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            buckets: [const { AtomicU64::new(0) }; BOUNDS_MS.len() + 1],
            sum_us: AtomicU64::new(0),
        }
    }

    /// Counts one that took so long.
    pub fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MS.partition_point(|bound| bound.saturating_mul(1000) < us);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The median since the start, in microseconds, as the upper bound of its bucket; `None` where
    /// nothing was counted or the median is above every bound.
    pub fn median_us(&self) -> Option<u64> {
        let counts = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        let half = counts.iter().sum::<u64>().div_ceil(2);
        let mut below = 0;
        let place = counts.iter().position(|count| {
            below += count;
            half > 0 && below >= half
        })?;
        BOUNDS_MS.get(place).map(|ms| ms * 1000)
    }

    fn write(&self, out: &mut String) {
        let counts = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        let times = Times {
            labels: String::new(),
            counts: &counts,
            sum_us: self.sum_us.load(Ordering::Relaxed),
        };
        write_histogram(out, self.name, self.help, &BOUNDS_MS.map(|ms| ms * 1000), &[times]);
    }
}

/// Times of one kind within a histogram that is read when it is asked for.
#[derive(Debug)]
pub struct Times<'a> {
    /// Label text; empty where there is one kind.
    pub labels: String,
    /// Counts per bucket; the last one is for everything above the last bound.
    pub counts: &'a [u64],
    /// Sum of all, in microseconds.
    pub sum_us: u64,
}

/// Writes a histogram; the bounds of its buckets are in microseconds, inclusive.
pub fn write_histogram(
    out: &mut String,
    name: &str,
    help: &str,
    bounds_us: &[u64],
    kinds: &[Times<'_>],
) {
    head(out, name, "histogram", help);
    for Times { labels, counts, sum_us } in kinds {
        let (comma, braced) = match labels.as_str() {
            "" => ("", String::new()),
            labels => (",", format!("{{{labels}}}")),
        };
        let mut count = 0_u64;
        for (place, bucket) in counts.iter().enumerate() {
            count = count.saturating_add(*bucket);
            let bound = bounds_us.get(place).map_or("+Inf".to_owned(), |us| seconds(*us));
            line(out, format_args!("{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"));
        }
        line(out, format_args!("{name}_count{braced} {count}"));
        line(out, format_args!("{name}_sum{braced} {}", seconds(*sum_us)));
    }
}

/// Microseconds as decimal seconds.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    line(out, format_args!("# TYPE {name} {kind}"));
    line(out, format_args!("# HELP {name} {help}"));
}

/// Writes one line; writing to a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).ok();
    out.push('\n');
}

/// Writes a gauge that is read when it is asked for; `samples` are (label text, value).
pub fn write_gauge(out: &mut String, name: &str, help: &str, samples: &[(String, u64)]) {
    head(out, name, "gauge", help);
    write_samples(out, name, samples);
}

/// Writes a counter that is read when it is asked for; its name without the suffix `_total`.
pub fn write_counter(out: &mut String, name: &str, help: &str, samples: &[(String, u64)]) {
    head(out, name, "counter", help);
    write_samples(out, &format!("{name}_total"), samples);
}

fn write_samples(out: &mut String, name: &str, samples: &[(String, u64)]) {
    for (labels, value) in samples {
        if labels.is_empty() {
            line(out, format_args!("{name} {value}"));
        } else {
            line(out, format_args!("{name}{{{labels}}} {value}"));
        }
    }
}

/// Writes every counter and histogram, without the closing `# EOF`.
pub fn write_all(out: &mut String) {
    let mut last = "";
    for counter in COUNTERS {
        let family = counter.family;
        if family.name != last {
            head(out, family.name, "counter", family.help);
            last = family.name;
        }
        let count = counter.get();
        if family.label.is_empty() {
            line(out, format_args!("{}_total {count}", family.name));
        } else {
            let (name, label, value) = (family.name, family.label, counter.value);
            line(out, format_args!("{name}_total{{{label}=\"{value}\"}} {count}"));
        }
    }
    for histogram in HISTOGRAMS {
        histogram.write(out);
    }
}

macro_rules! counters {
    ($($family:ident = $name:literal, $help:literal, $label:literal { $($counter:ident = $value:literal),+ })+) => {
        $(
            /// The family of counters of this name.
            pub static $family: Family = Family { name: $name, help: $help, label: $label };
            $(
                #[doc = $help]
                pub static $counter: Counter = Counter::new(&$family, $value);
            )+
        )+
        /// Every counter, families together.
        pub static COUNTERS: &[&Counter] = &[$($(&$counter),+),+];
    };
}

counters! {
    DELIVERIES = "mbx_deliveries", "Deliveries by their end.", "result" {
        DELIVERIES_ACCEPTED = "accepted",
        DELIVERIES_REPEATED = "repeated",
        DELIVERIES_UNDELIVERABLE = "undeliverable",
        DELIVERIES_REFUSED = "refused",
        DELIVERIES_FAILED = "failed"
    }
    SIGNATURE_FORMS = "mbx_signature_forms", "Verified signatures by the form that matched.", "form" {
        FORM_PREFIX_FREE = "prefix-free",
        FORM_AS_SENT = "as-sent"
    }
    SHA1 = "mbx_sha1_signatures", "Signatures with SHA-1, verified by a sender's exception.", "level" {
        SHA1_SENDER = "sender",
        SHA1_SEAL = "seal"
    }
    TLS = "mbx_tls_handshakes", "TLS handshakes by their end.", "result" {
        TLS_DONE = "done",
        TLS_FAILED = "failed"
    }
    READS = "mbx_holder_requests", "Requests of portals by their end.", "result" {
        READS_DONE = "done",
        READS_REFUSED = "refused",
        READS_FAILED = "failed"
    }
}

/// How long the authorities' door takes from a request's last byte to its answer.
pub static DELIVERY_TIME: Histogram =
    Histogram::new("mbx_delivery_seconds", "From the last byte of a delivery to its answer.");

/// How long the holders' door takes to begin its answer.
pub static READ_TIME: Histogram =
    Histogram::new("mbx_holder_request_seconds", "From a portal's request to its answer.");

/// Every histogram.
pub static HISTOGRAMS: &[&Histogram] = &[&DELIVERY_TIME, &READ_TIME];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_stand_together_and_names_are_openmetrics() {
        let mut out = String::new();
        write_all(&mut out);
        assert_eq!(out.matches("# TYPE mbx_deliveries counter").count(), 1);
        assert!(out.contains("\nmbx_deliveries_total{result=\"accepted\"} "), "{out}");
    }

    #[test]
    fn a_histogram_counts_what_is_not_longer_than_each_bound() {
        // One of its own: other tests of this process count in those of the process.
        let histogram = Histogram::new("mbx_test_seconds", "A test.");
        histogram.record(Duration::from_millis(2));
        histogram.record(Duration::from_hours(1));
        let mut out = String::new();
        histogram.write(&mut out);
        assert!(out.contains("mbx_test_seconds_bucket{le=\"0.001000\"} 0\n"), "{out}");
        assert!(out.contains("mbx_test_seconds_bucket{le=\"0.002000\"} 1\n"), "{out}");
        assert!(out.contains("mbx_test_seconds_bucket{le=\"+Inf\"} 2\n"), "{out}");
        assert!(out.contains("mbx_test_seconds_sum 3600.002000\n"), "{out}");
    }
}
