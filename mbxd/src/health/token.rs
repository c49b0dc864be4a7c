//! The token's figures: its state and breaker, what waits for it, what it did and how long it took.

use crate::keys::{HsmMetrics, HsmState, HsmStatus, Latency, Operation};
use crate::telemetry::metrics::{Times, write_counter, write_gauge, write_histogram};

/// What each place of the token's count of openings stands for.
const PURPOSES: [&str; 8] =
    ["", "kek-basic", "kek-high", "kek-register", "keyring", "backup", "sign", ""];

/// Every state, by its name. The breaker is closed in `ready` alone.
const STATES: [(HsmState, &str); 6] = [
    (HsmState::Ready, "ready"),
    (HsmState::Locked, "locked"),
    (HsmState::PinRejected, "pin-rejected"),
    (HsmState::PinLocked, "pin-locked"),
    (HsmState::Down, "down"),
    (HsmState::PolicyViolated, "policy-violated"),
];

/// Writes them as OpenMetrics text.
pub(super) fn write(out: &mut String, status: &HsmStatus, metrics: &HsmMetrics) {
    write_state(out, status);
    write_counts(out, status, metrics);
    let times: Vec<Times<'_>> = Operation::ALL
        .iter()
        .zip(&metrics.latency)
        .map(|(operation, latency)| Times {
            labels: label("operation", operation.name()),
            counts: &latency.buckets,
            sum_us: latency.sum_us,
        })
        .collect();
    write_histogram(
        out,
        "mbx_hsm_operation_seconds",
        "What the token did, waiting in the queue included.",
        &Latency::BOUNDS_US,
        &times,
    );
}

fn write_state(out: &mut String, status: &HsmStatus) {
    let mut gauge = |name, help, value| write_gauge(out, name, help, &plain(value));
    let len = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let ready = u64::from(status.state.is_ready());
    gauge("mbx_hsm_ready", "1 where the token's canary opens.", ready);
    gauge("mbx_hsm_epoch", "How often the token was opened anew.", status.epoch);
    gauge("mbx_hsm_queue", "Jobs that wait for the token.", len(status.queue_len));
    let lost = len(status.workers_lost);
    gauge("mbx_hsm_workers_lost", "Workers that do not come back from the token.", lost);
    let missing = len(status.missing.len());
    gauge("mbx_hsm_keys_missing", "Keys that the token does not hold exactly once.", missing);
    let told = STATES.map(|(state, name)| (label("state", name), u64::from(state == status.state)));
    write_gauge(out, "mbx_hsm_state", "1 at the token's present state.", &told);
}

fn write_counts(out: &mut String, status: &HsmStatus, metrics: &HsmMetrics) {
    let opened: Vec<(String, u64)> = PURPOSES
        .iter()
        .zip(status.opened)
        .filter(|(purpose, _)| !purpose.is_empty())
        .map(|(purpose, count)| (label("purpose", purpose), count))
        .collect();
    write_counter(out, "mbx_hsm_opened", "Secrets that the token opened.", &opened);
    let errors: Vec<(String, u64)> =
        metrics.errors.iter().map(|(code, count)| (label("code", code), *count)).collect();
    write_counter(out, "mbx_hsm_errors", "Failed calls by the token's code.", &errors);
    for (name, help, count) in [
        ("mbx_hsm_tampered", "Records that the token refused alone.", metrics.tampered),
        ("mbx_hsm_timeouts", "Calls that ran into their deadline.", metrics.timeouts),
        ("mbx_hsm_busy", "Calls refused because the queue was full.", metrics.busy),
    ] {
        write_counter(out, name, help, &plain(count));
    }
}

fn plain(value: u64) -> [(String, u64); 1] {
    [(String::new(), value)]
}

/// One label; the token's codes are names without quotes or backslashes.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn status(state: HsmState) -> HsmStatus {
        HsmStatus {
            state,
            epoch: 3,
            token: "mbx".to_owned(),
            serial: "0123".to_owned(),
            model: "test".to_owned(),
            since: Duration::ZERO,
            next_try: None,
            queue_len: 5,
            workers_lost: 1,
            opened: [0, 7, 2, 0, 0, 0, 0, 0],
            cause: Some("gone".to_owned()),
            missing: Vec::new(),
        }
    }

    #[test]
    fn state_queue_epoch_counts_and_times_of_the_token_are_told() {
        let mut metrics = HsmMetrics { tampered: 1, timeouts: 2, busy: 4, ..HsmMetrics::default() };
        metrics.errors.insert("DeviceError".to_owned(), 6);
        metrics.latency[1].buckets[0] = 2;
        metrics.latency[1].buckets[12] = 1;
        metrics.latency[1].sum_us = 7_000_150;
        let mut out = String::new();
        write(&mut out, &status(HsmState::Down), &metrics);
        for line in [
            "mbx_hsm_ready 0",
            "mbx_hsm_state{state=\"down\"} 1",
            "mbx_hsm_state{state=\"ready\"} 0",
            "mbx_hsm_epoch 3",
            "mbx_hsm_queue 5",
            "mbx_hsm_workers_lost 1",
            "mbx_hsm_keys_missing 0",
            "mbx_hsm_opened_total{purpose=\"kek-basic\"} 7",
            "mbx_hsm_opened_total{purpose=\"kek-high\"} 2",
            "mbx_hsm_errors_total{code=\"DeviceError\"} 6",
            "mbx_hsm_tampered_total 1",
            "mbx_hsm_timeouts_total 2",
            "mbx_hsm_busy_total 4",
            "mbx_hsm_operation_seconds_bucket{operation=\"open\",le=\"0.000100\"} 2",
            "mbx_hsm_operation_seconds_bucket{operation=\"open\",le=\"5.000000\"} 2",
            "mbx_hsm_operation_seconds_bucket{operation=\"open\",le=\"+Inf\"} 3",
            "mbx_hsm_operation_seconds_count{operation=\"open\"} 3",
            "mbx_hsm_operation_seconds_sum{operation=\"open\"} 7.000150",
            "mbx_hsm_operation_seconds_count{operation=\"seal\"} 0",
        ] {
            assert!(out.lines().any(|told| told == line), "{line} is not in:\n{out}");
        }
    }

    #[test]
    fn each_family_has_its_type_and_help_once_and_before_its_samples() {
        let mut out = String::new();
        write(&mut out, &status(HsmState::Ready), &HsmMetrics::default());
        let types = out.lines().filter(|line| line.starts_with("# TYPE "));
        let mut names: Vec<&str> = types.filter_map(|line| line.split(' ').nth(2)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{out}");
        assert_eq!(out.matches("# HELP ").count(), all);
        assert!(!out.contains("gone"), "what the token says of itself is no metric");
    }
}
