//! A request body, read within bounds of length, time, speed and memory.

use super::memory::Memory;
use crate::https::Asked;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use mbx_common::size::wide;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a body may be waited for; earned back at the least speed.
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
    body: &mut Asked,
    bounds: &Bounds,
    memory: &mut Memory,
) -> Result<Bytes, BodyError> {
    let told = body.size_hint().exact();
    let expected = told.unwrap_or(0);
    if expected > bounds.len_max {
        return Err(BodyError::TooLong);
    }
    memory.grow_to(expected).map_err(|_| BodyError::NoRoom)?;
    let mut pace = Pace::of(bounds);
    let mut bytes = BytesMut::with_capacity(usize::try_from(expected).unwrap_or(0));
    loop {
        let Some(frame) = pace.next(body).await? else { break };
        let Ok(data) = frame.into_data() else { continue };
        let len = wide(bytes.len()).saturating_add(wide(data.len()));
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
pub(super) async fn discard(mut body: Asked, bounds: &Bounds) {
    let mut pace = Pace::of(bounds);
    let mut len = 0_u64;
    while len < DISCARD_LEN_MAX {
        let Ok(Some(frame)) = pace.next(&mut body).await else { return };
        len = len.saturating_add(frame.data_ref().map_or(0, |data| wide(data.len())));
    }
}

/// Time that is left to a body: whoever sends slower than asked for, or stops, uses it up. What was
/// sent quickly earns no long pause.
struct Pace {
    end: Instant,
    rate_min: u64,
    left: Duration,
}

impl Pace {
    fn of(bounds: &Bounds) -> Self {
        Self { end: Instant::now() + bounds.time_max, rate_min: bounds.rate_min, left: GRACE }
    }

    async fn next(
        &mut self,
        body: &mut (impl Body<Data = Bytes> + Unpin),
    ) -> Result<Option<Frame<Bytes>>, BodyError> {
        let began = Instant::now();
        let deadline = if self.rate_min == 0 { self.end } else { self.end.min(began + self.left) };
        let next = timeout_at(deadline, body.frame()).await.map_err(|_| BodyError::TooSlow)?;
        let frame = next.transpose().map_err(|_| BodyError::Broken)?;
        let len = frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let earned = wide(len).saturating_mul(1000).checked_div(self.rate_min);
        self.left = self
            .left
            .saturating_sub(began.elapsed())
            .saturating_add(earned.map_or(GRACE, Duration::from_millis))
            .min(GRACE);
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use std::convert::Infallible;
    use std::pin::pin;
    use tokio::time::sleep;

    /// Sends pieces of so many bytes, each after so many seconds, while they are taken; gives the
    /// seconds until the end and whether it came.
    async fn sent(bounds: &Bounds, pieces: &[(usize, u64)]) -> (u64, bool) {
        let frames = stream::unfold(pieces.iter(), |mut pieces| async move {
            let (len, seconds) = pieces.next()?;
            sleep(Duration::from_secs(*seconds)).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; *len]))), pieces))
        });
        let mut body = pin!(StreamBody::new(frames));
        let (mut pace, began) = (Pace::of(bounds), Instant::now());
        loop {
            match pace.next(&mut body).await {
                Ok(Some(_)) => {}
                end => return (began.elapsed().as_secs(), end.is_ok()),
            }
        }
    }

    const BOUNDS: Bounds =
        Bounds { len_max: 1 << 20, time_max: Duration::from_mins(1), rate_min: 1000 };

    #[tokio::test(start_paused = true)]
    async fn who_sends_at_the_least_speed_is_borne_and_who_is_slower_for_the_grace() {
        assert_eq!(sent(&BOUNDS, &[(1000, 1); 50]).await, (50, true));
        assert_eq!(sent(&BOUNDS, &[(500, 1); 50]).await, (19, false));
        assert_eq!(sent(&BOUNDS, &[(0, 9)]).await, (9, true));
        assert_eq!(sent(&BOUNDS, &[(0, 11)]).await, (10, false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_at_once_earns_no_long_pause() {
        assert_eq!(sent(&BOUNDS, &[(1 << 20, 0), (1, 11)]).await, (10, false));
        assert_eq!(sent(&BOUNDS, &[(1 << 20, 0), (1, 9), (10_000, 0), (1, 9)]).await, (18, true));
    }

    #[tokio::test(start_paused = true)]
    async fn no_body_takes_longer_than_the_whole_time() {
        assert_eq!(sent(&BOUNDS, &[(1000, 1); 70]).await, (60, false));
        let any_speed = Bounds { rate_min: 0, ..BOUNDS };
        assert_eq!(sent(&any_speed, &[(1, 59)]).await, (59, true));
        assert_eq!(sent(&any_speed, &[(1, 61)]).await, (60, false));
    }
}
