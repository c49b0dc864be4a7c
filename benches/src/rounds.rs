//! How long is measured, and how often the sides take turns.

use std::time::Duration;

/// Rounds in which each side runs once.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Rounds. Fewer than five tell little of noise.
    pub count: u32,
    /// Time for each side in each.
    pub each: Duration,
}

impl Rounds {
    /// So many rounds of so many milliseconds.
    pub const fn of(count: u32, each_ms: u64) -> Self {
        Self { count, each: Duration::from_millis(each_ms) }
    }

    /// Time to warm up before the first.
    pub fn warm(self) -> Duration {
        self.each / 4
    }
}
