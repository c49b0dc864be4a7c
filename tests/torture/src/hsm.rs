//! Tokens that fail in random ways, on `SoftHSM` and Kryoptic, while deliveries, reads, registrations
//! and checkpoints go on.

use crate::programme::{Programme, Run};
use mbx_tests::token::Kind;
use mbx_tests::trial::{Trial, schedule};

/// The programme.
pub(crate) const HSM: Programme = Programme {
    name: "hsm",
    what: "fault schedules of the token under load; two rounds of three on SoftHSM",
    run,
};

/// Schedules of one round: one installation bears them all.
const SCHEDULES: u64 = 10;

/// Times that the token is opened anew besides.
const REOPENED: u64 = 10;

/// People with a mailbox at the beginning.
const PEOPLE: u32 = 4;

fn run(round: &mut Run) {
    let (kind, unit) = match round.seed() % 3 {
        2 => (Kind::Kryoptic, "schedules on Kryoptic"),
        _ => (Kind::SoftHsm, "schedules on SoftHSM"),
    };
    if !kind.is_installed() {
        return round.done(0, unit);
    }
    let mut random = round.rng("schedules");
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return round.finding("no runtime can be started");
    };
    let outcome = runtime.block_on(async {
        let mut trial = Trial::new(kind, PEOPLE).await;
        for number in 0..SCHEDULES {
            let schedule = schedule(&mut random, kind);
            trial.play(&schedule).await;
            trial.name_findings(&format!("schedule {number} {schedule:?}"));
            round.done(1, unit);
        }
        trial.reopen(REOPENED).await;
        round.done(REOPENED, "openings anew under load");
        trial.end().await
    });
    round.done(outcome.deliveries, "deliveries");
    round.done(outcome.reads, "messages read");
    round.done(outcome.registered, "registrations");
    for finding in outcome.findings {
        round.finding(finding);
    }
}
