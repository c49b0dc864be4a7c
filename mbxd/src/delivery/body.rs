//! A request body, read within bounds of length, time, speed and memory.

use super::budget::Memory;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use mbx_common::size::wide;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Time before the least speed is asked for, so that a slow start is no fault.
const GRACE: Duration = Duration::from_secs(10);

/// Most bytes of a refused body that are read on.
const DISCARD_LEN_MAX: u64 = 64 * 1024 * 1024;

/// Bounds of one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most bytes.
    pub(super) len_max: u64,
    /// Most time for all of it.
    pub(super) time_max: Duration,
    /// Fewest bytes a second after the grace.
    pub(super) rate_min: u64,
}

/// Why a body was not received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BodyError {
    /// It is longer than is taken.
    TooLong,
    /// It came too slowly.
    TooSlow,
    /// There is no memory for it now.
    NoRoom,
    /// The connection broke, or the framing is malformed.
    Broken,
}

/// Reads the body; memory is set aside as it grows. Where the length is told beforehand and is too
/// much, nothing is read.
pub(super) async fn read(
    body: &mut Incoming,
    bounds: &Bounds,
    memory: &mut Memory,
) -> Result<Bytes, BodyError> {
    let told = body.size_hint().exact();
    let expected = told.unwrap_or(0);
    if expected > bounds.len_max {
        return Err(BodyError::TooLong);
    }
    memory.grow_to(expected).map_err(|_| BodyError::NoRoom)?;
    let began = Instant::now();
    let mut bytes = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
    loop {
        let len = wide(bytes.len());
        let next = timeout_at(bounds.deadline(began, len), body.frame()).await;
        let Some(frame) = next.map_err(|_| BodyError::TooSlow)? else { break };
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        let len = len.saturating_add(wide(data.len()));
        if len > bounds.len_max {
            return Err(BodyError::TooLong);
        }
        memory.grow_to(len).map_err(|_| BodyError::NoRoom)?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Reads on what is refused and forgets it, so that the other end, still sending, comes to read
/// why: a connection that breaks instead looks like a passing fault, and is tried again for days.
/// Bounded in length and time.
pub(super) async fn discard(mut body: Incoming, bounds: &Bounds) {
    let began = Instant::now();
    let mut len = 0_u64;
    while len < DISCARD_LEN_MAX {
        let next = timeout_at(bounds.deadline(began, len), body.frame()).await;
        let Ok(Some(Ok(frame))) = next else { return };
        len = len.saturating_add(frame.data_ref().map_or(0, |data| wide(data.len())));
    }
}

impl Bounds {
    /// Until when the next bytes must have come, after so many.
    fn deadline(&self, began: Instant, len: u64) -> Instant {
        let at_rate = match self.rate_min {
            0 => self.time_max,
            rate => GRACE.saturating_add(Duration::from_millis(len.saturating_mul(1000) / rate)),
        };
        began + at_rate.min(self.time_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_bodies_have_until_the_least_speed_says_and_never_longer_than_the_whole_time() {
        let bounds = Bounds { len_max: 1 << 20, time_max: Duration::from_mins(1), rate_min: 1000 };
        let began = Instant::now();
        let seconds = |len| bounds.deadline(began, len).duration_since(began).as_secs();
        assert_eq!((seconds(0), seconds(20_000), seconds(900_000)), (10, 30, 60));
        let any_speed = Bounds { rate_min: 0, ..bounds };
        assert_eq!(any_speed.deadline(began, 0).duration_since(began).as_secs(), 60);
    }
}
