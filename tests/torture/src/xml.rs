//! Generated deliveries, hostile and odd (`mbx_forge`): what is taken is what both signers signed.

use crate::programme::{Programme, Run};
use mbx_forge::forge::{Asked, Forge, Report};

pub(crate) const XML: Programme = Programme {
    name: "xml",
    what: "generated deliveries: what is taken is what both signers signed",
    run,
};

/// Cases of one round.
const CASES: u64 = 10_000;

/// Cases between two looks at the clock.
const STRETCH: u64 = 500;

/// One round: its seed names the ten thousand cases from `seed` × 10,000 on. The verifiers judge one
/// in 16 of what is taken, and one in 256 of what is refused.
fn run(run: &mut Run) {
    let mut forge = Forge::new(Asked { taken: 16, refused: 256 });
    let first = run.seed().wrapping_mul(CASES);
    let mut report = Report::default();
    let mut from = 0;
    while from < CASES && !run.time_is_up() {
        report.add(forge.run(first + from..first + from + STRETCH));
        from += STRETCH;
    }
    run.done(report.taken, "cases taken");
    run.done(report.refused, "cases refused");
    run.done(report.classes.values().sum(), "judgements of independent verifiers");
    report.findings.iter().for_each(|finding| run.finding(finding));
}
