//! Log lines that others could draw out without end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often one thing is told at most.
const PAUSE: Duration = Duration::from_mins(1);

/// Tells of one thing at most once a minute, and how often it happened meanwhile.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// It happened: how often since it was last told, this time included, where it is told now.
    pub fn tell(&self) -> Option<u64> {
        self.tell_at(Instant::now())
    }

    fn tell_at(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.untold = told.untold.saturating_add(1);
        if told.at.is_some_and(|at| now.saturating_duration_since(at) < PAUSE) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_the_others_are_counted_for_a_minute() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.tell_at(start), Some(1));
        for second in 1..60 {
            assert_eq!(seldom.tell_at(start + Duration::from_secs(second)), None);
        }
        assert_eq!(seldom.tell_at(start + PAUSE), Some(60));
        assert_eq!(seldom.tell_at(start + PAUSE * 3), Some(1));
    }
}
