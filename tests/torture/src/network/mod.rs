//! Network abuse: whoever reaches a door does to it what it can, while well-behaved authorities
//! deliver.
//!
//! The daemon runs with 1,024 file descriptors. Before and after each attack the same senders are
//! measured undisturbed; attackers run at the lowest priority, so that on one machine it is the
//! daemon that is measured and not the attackers' hunger for processors. A finding is: a delivery
//! that fails, a p99 of twice the undisturbed one, a probe or a command without answer, descriptors
//! or memory that do not come back, a log that grows with the attack.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up panics, and a panic is a finding"
)]

mod attack;
mod daemon;
mod local;
mod peers;
mod senders;

use crate::programme::{Programme, Run};
use attack::{Attack, Attackers};
use daemon::Daemon;
use mbx_sim::load::Outcome;
use rand::seq::SliceRandom as _;
use senders::Senders;
use std::sync::Arc;

/// Slow, silent, greedy, hasty and lying clients.
pub(crate) const NETWORK: Programme = Programme {
    name: "network",
    what: "slow, silent, greedy and lying clients at every door, with 1,024 file descriptors",
    run,
};

/// How much worse the p99 of well-behaved senders may get.
const P99_RATIO_MAX: f64 = 2.0;

/// Most resident memory that the daemon may ever have had, in KiB: its budget for deliveries,
/// handshakes and connections with full buffers, and itself.
const RESIDENT_MAX_KIB: u64 = 384 * 1024;

/// Lines that an attack may add to the log, those of answered deliveries not counted.
const LOG_LINES_MAX: usize = 300;

fn run(run: &mut Run) {
    let daemon = Daemon::start();
    let senders = Senders::new(&daemon.installation);
    let target = Arc::new(peers::Target::new(&daemon.installation, run.seed()));
    let mut attacks = Attack::all();
    attacks.shuffle(&mut run.rng("order"));
    let start = daemon.figures();
    let mut quiet = senders.deliver();
    for attack in attacks {
        if run.time_is_up() {
            break;
        }
        let lines = daemon.log_lines();
        let attackers = Attackers::begin(attack, &target);
        let disturbed = senders.deliver();
        let unanswered = daemon.unanswered();
        drop(attackers);
        let noise = daemon.log_lines() - lines;
        let after = senders.deliver();
        let name = attack.name;
        tell(name, &quiet, &disturbed, &after, &daemon);
        judge(run, name, &quiet, &disturbed, &after);
        for what in unanswered {
            run.finding(format_args!("{name}: {what} does not answer"));
        }
        if noise > LOG_LINES_MAX {
            run.finding(format_args!("{name}: {noise} lines in the log"));
        }
        if let Err(rest) = daemon.rests(&start) {
            run.finding(format_args!("{name}: {rest}"));
        }
        run.done(1, "attacks");
        quiet = after;
    }
    let peak = daemon.peak_kib();
    if peak > RESIDENT_MAX_KIB {
        run.finding(format_args!("the daemon took {peak} KiB"));
    }
    if daemon.log().contains("Too many open files") {
        run.finding("file descriptors were used up");
    }
    run.done(peak / 1024, "MiB resident at most");
}

fn judge(run: &mut Run, name: &str, quiet: &Outcome, disturbed: &Outcome, after: &Outcome) {
    for (outcome, when) in [(disturbed, "during"), (after, "after")] {
        if outcome.failed > 0 {
            run.finding(format_args!("{name}: {} deliveries failed {when} it", outcome.failed));
        }
    }
    let undisturbed = p99(quiet).max(p99(after));
    if p99(disturbed) > undisturbed * P99_RATIO_MAX {
        let (during, ratio) = (p99(disturbed), p99(disturbed) / undisturbed);
        run.finding(format_args!("{name}: p99 {during:.1} ms, {ratio:.1} times the undisturbed"));
    }
}

fn p99(outcome: &Outcome) -> f64 {
    outcome.latency_ms.get(2).copied().unwrap_or(f64::INFINITY)
}

/// The figures of an attack, beside the findings.
#[expect(clippy::print_stderr, reason = "figures are for whoever watches")]
fn tell(name: &str, before: &Outcome, during: &Outcome, after: &Outcome, daemon: &Daemon) {
    let [before, during, after] = [before, during, after].map(|outcome| {
        let [p50, _, p99, _] = outcome.latency_ms;
        format!("{p50:.1}/{p99:.1}")
    });
    let daemon::Figures { descriptors, resident_kib } = daemon.figures();
    eprintln!(
        "{name}: p50/p99 ms before {before}, during {during}, after {after}; \
         {descriptors} descriptors, {} MiB resident, {} MiB at most",
        resident_kib / 1024,
        daemon.peak_kib() / 1024
    );
}
