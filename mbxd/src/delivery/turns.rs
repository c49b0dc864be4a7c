//! Turns at the processor, which go round among clients.

use super::memory::NoRoom;
use mbx_common::identity::OrganisationNumber;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Longest wait for a turn; what waits longer is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Turns of which so many are given at a time, and so many waited for.
///
/// Each client has a queue of its own and the next turn goes to the next client, so that whoever
/// sends much delays others by one delivery at most. Where too many wait, the last of the longest
/// queue is told to come back.
#[derive(Debug)]
pub(super) struct Turns {
    state: Mutex<State>,
    waiting_max: usize,
    wait_max: Duration,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Clients that wait, the next one first; none without a delivery.
    queues: VecDeque<Queue>,
}

#[derive(Debug)]
struct Queue {
    client: OrganisationNumber,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// One delivery's turn; passed on when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Turns {
    /// So many turns at a time, and so many deliveries that wait for one.
    pub(super) fn new(turns: usize, waiting_max: usize) -> Arc<Self> {
        Self::with(turns, waiting_max, WAIT_MAX)
    }

    fn with(turns: usize, waiting_max: usize, wait_max: Duration) -> Arc<Self> {
        let state = Mutex::new(State { free: turns.max(1), queues: VecDeque::new() });
        Arc::new(Self { state, waiting_max, wait_max })
    }

    /// Waits for a client's turn, a bounded time among a bounded number.
    ///
    /// # Errors
    /// [`NoRoom`] where too many wait, or the wait is too long.
    pub(super) async fn wait(self: &Arc<Self>, client: OrganisationNumber) -> Result<Turn, NoRoom> {
        let Some(turn) = self.queue(client)? else { return Ok(Turn(Some(Arc::clone(self)))) };
        let turn = tokio::time::timeout(self.wait_max, turn).await.map_err(|_| NoRoom)?;
        turn.map_err(|_| NoRoom)
    }

    /// A place in the client's queue; `None` where there is a turn at once.
    fn queue(&self, client: OrganisationNumber) -> Result<Option<oneshot::Receiver<Turn>>, NoRoom> {
        let mut state = self.state();
        if state.free > 0 {
            state.free = state.free.saturating_sub(1);
            return Ok(None);
        }
        if state.waiting() >= self.waiting_max {
            state.forget_gone();
        }
        if state.waiting() >= self.waiting_max && !state.push_out(client) {
            return Err(NoRoom);
        }
        let (turn, waiting) = oneshot::channel();
        match state.queues.iter_mut().find(|queue| queue.client == client) {
            Some(queue) => queue.waiting.push_back(turn),
            None => state.queues.push_back(Queue { client, waiting: VecDeque::from([turn]) }),
        }
        Ok(Some(waiting))
    }

    /// Who is next, or one turn more that is free.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state();
        let next = state.pop();
        if next.is_none() {
            state.free = state.free.saturating_add(1);
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.queues.iter().map(|queue| queue.waiting.len()).sum()
    }

    /// Forgets who waits no longer.
    fn forget_gone(&mut self) {
        for queue in &mut self.queues {
            queue.waiting.retain(|turn| !turn.is_closed());
        }
        self.queues.retain(|queue| !queue.waiting.is_empty());
    }

    /// Tells the last of the longest queue to come back, where that is longer than the client's own
    /// would be.
    fn push_out(&mut self, client: OrganisationNumber) -> bool {
        let own = self.queues.iter().find(|queue| queue.client == client);
        let own = own.map_or(0, |queue| queue.waiting.len());
        let longest = self.queues.iter_mut().max_by_key(|queue| queue.waiting.len());
        let longest = longest.filter(|queue| queue.waiting.len() > own.saturating_add(1));
        longest.is_some_and(|queue| queue.waiting.pop_back().is_some())
    }

    /// Takes the first of the next client, who goes behind the others.
    fn pop(&mut self) -> Option<oneshot::Sender<Turn>> {
        let mut queue = self.queues.pop_front()?;
        let next = queue.waiting.pop_front();
        if !queue.waiting.is_empty() {
            self.queues.push_back(queue);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        while let Some(next) = turns.next() {
            match next.send(Self(Some(Arc::clone(&turns)))) {
                Ok(()) => return,
                // It waits no longer: the turn is still here.
                Err(mut unsent) => drop(unsent.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::pin::pin;

    fn client(last: u8) -> OrganisationNumber {
        let number = mbx_sim::identity::organisation(u32::from(last));
        number.parse().unwrap()
    }

    #[tokio::test]
    async fn turns_are_waited_for_by_few() {
        let turns = Turns::new(1, 1);
        let held = turns.wait(client(1)).await.unwrap();
        let mut waiting = pin!(turns.wait(client(1)));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(turns.wait(client(1)).await.map(|_| ()), Err(NoRoom));
        drop(held);
        drop(waiting.await.unwrap());
        assert!(turns.wait(client(1)).await.is_ok());
    }

    #[tokio::test]
    async fn turns_are_not_waited_for_without_end() {
        let turns = Turns::with(1, 1, Duration::ZERO);
        let held = turns.wait(client(1)).await.unwrap();
        for _ in 0..3 {
            assert_eq!(turns.wait(client(1)).await.map(|_| ()), Err(NoRoom));
        }
        drop(held);
        assert!(turns.wait(client(1)).await.is_ok());
    }

    #[tokio::test]
    async fn turns_go_round_among_clients_however_many_deliveries_each_has() {
        let turns = Turns::new(1, 64);
        let held = turns.wait(client(1)).await.unwrap();
        let mut busy: Vec<_> = (0..8).map(|_| Box::pin(turns.wait(client(1)))).collect();
        for waiting in &mut busy {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        let mut modest = pin!(turns.wait(client(2)));
        assert!((&mut modest).now_or_never().is_none());
        drop(held);
        let first = busy[0].as_mut().now_or_never().unwrap().unwrap();
        assert!((&mut modest).now_or_never().is_none());
        drop(first);
        assert!((&mut modest).now_or_never().is_some());
        assert!(busy[1].as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn where_too_many_wait_the_last_of_the_longest_queue_comes_back() {
        let turns = Turns::new(1, 3);
        let _held = turns.wait(client(1)).await.unwrap();
        let mut busy: Vec<_> = (0..3).map(|_| Box::pin(turns.wait(client(1)))).collect();
        for waiting in &mut busy {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        let mut modest = pin!(turns.wait(client(2)));
        assert!((&mut modest).now_or_never().is_none());
        let pushed_out = busy.pop().unwrap().now_or_never().unwrap();
        assert_eq!(pushed_out.map(|_| ()), Err(NoRoom));
        // Two of one and one of the other: nobody is pushed out for a second of the other.
        assert_eq!(turns.wait(client(2)).await.map(|_| ()), Err(NoRoom));
    }
}
