//! Handshakes under way.

use std::collections::VecDeque;
use tokio::sync::oneshot;

/// The handshakes under way, the oldest first. Whoever connects and says nothing takes no place
/// from others: the oldest is given up for the newest.
#[derive(Debug)]
pub(super) struct Handshakes {
    max: usize,
    /// Dropping one ends its handshake.
    ends: VecDeque<oneshot::Sender<()>>,
}

impl Handshakes {
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), ends: VecDeque::new() }
    }

    /// Begins a handshake; it is given up when the receiver ends, and done when that is dropped.
    pub(super) fn begin(&mut self) -> oneshot::Receiver<()> {
        if self.ends.len() >= self.max {
            self.ends.retain(|end| !end.is_closed());
        }
        while self.ends.len() >= self.max {
            self.give_up_oldest();
        }
        let (end, ended) = oneshot::channel();
        self.ends.push_back(end);
        ended
    }

    /// Gives up the handshake that has lasted longest.
    pub(super) fn give_up_oldest(&mut self) {
        drop(self.ends.pop_front());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_given_up_for_the_newest_and_one_that_is_done_for_nobody() {
        let mut handshakes = Handshakes::new(2);
        let mut first = handshakes.begin();
        let mut second = handshakes.begin();
        let mut third = handshakes.begin();
        let ended = |receiver: &mut oneshot::Receiver<()>| {
            receiver.try_recv() == Err(oneshot::error::TryRecvError::Closed)
        };
        assert_eq!(
            (ended(&mut first), ended(&mut second), ended(&mut third)),
            (true, false, false)
        );
        drop(third);
        let mut fourth = handshakes.begin();
        assert_eq!((ended(&mut second), ended(&mut fourth)), (false, false));
    }
}
