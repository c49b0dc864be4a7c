//! Processor time, as the kernel counts it: other programs on the machine do not add to it.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What this thread used so far.
pub fn of_thread() -> Duration {
    at(ClockId::ThreadCPUTime)
}

/// What all threads of this process used so far.
pub fn of_process() -> Duration {
    at(ClockId::ProcessCPUTime)
}

fn at(clock: ClockId) -> Duration {
    // Neither part of a clock of processor time is ever negative.
    clock_gettime(clock).try_into().unwrap_or_default()
}

/// Processor time in microseconds of one act of this thread, done over and over for some time.
pub fn us_each(time: Duration, mut act: impl FnMut()) -> f64 {
    act();
    let began = of_thread();
    let mut times: u32 = 0;
    loop {
        act();
        times = times.saturating_add(1);
        let used = of_thread().saturating_sub(began);
        if used >= time {
            return used.as_secs_f64() * 1e6 / f64::from(times);
        }
    }
}
