//! A stage and its limit, and how both are timed.

use crate::cpu;
use crate::sample::Sample;
use std::time::Duration;

/// A stage and its limit, in microseconds of processor time.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) ours: Sample,
    pub(super) limit: Sample,
}

/// Processor time of an act whose result must be good, in microseconds.
pub(super) fn us_each(each: Duration, mut act: impl FnMut() -> bool) -> Sample {
    Sample::one(cpu::us_each(each, || {
        // A failure would be no figure: it is made loud.
        assert!(std::hint::black_box(act()), "a stage refuses the delivery");
    }))
}
