//! `kill -9` of the daemon under a mixed load, again and again.

use crate::programme::{Programme, Run};
use mbx_tests::kills::kills;

/// The programme.
pub const KILLS: Programme = Programme {
    name: "kills",
    what: "kill -9 of the daemon under a mixed load: nothing acknowledged is lost, doubled, mixed up",
    run: many,
};

/// Kills of one installation.
const KILLS_OF_ONE: usize = 50;

fn many(run: &mut Run) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let mut rng = run.rng("kills");
    let report = runtime.block_on(kills(&mut rng, KILLS_OF_ONE, || run.time_is_up()));
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    run.done(count(report.kills), "kills");
    run.done(count(report.ledger.acknowledged), "deliveries acknowledged");
    run.done(count(report.ledger.read), "messages compared");
    run.done(count(report.acts), "acts of holders");
    run.done(count(report.registered), "registrations");
    if !report.is_sound() {
        run.finding(format_args!("{report:?}"));
    }
}
