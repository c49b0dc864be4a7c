//! Memory and processor time that deliveries may take together.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of memory counted per byte of a request: the bytes themselves, the tree over them, the
/// ciphertext.
const FACTOR: u64 = 3;

/// Memory is counted in pieces of this many bytes.
const PIECE_LEN: u64 = 16 * 1024;

/// Longest wait for a turn; what waits longer is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// There is no room: the peer is told to come back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoRoom;

/// Bounds of everything under way, shared by all connections.
#[derive(Debug)]
pub(super) struct Budget {
    memory: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Turns and places to wait for one.
    places: Arc<Semaphore>,
    wait_max: Duration,
    /// All pieces there are.
    pieces: u32,
}

/// Memory set aside for one delivery; given back when dropped.
#[derive(Debug)]
pub(super) struct Memory {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    pieces: u64,
}

/// One delivery's turn at the processor; given back when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl Budget {
    /// A budget of so many bytes, so many turns at a time and so many waiting for one.
    pub(super) fn new(memory_max: u64, turns: usize, waiting_max: usize) -> Self {
        let pieces = u32::try_from(memory_max / PIECE_LEN).unwrap_or(PIECES_MAX).min(PIECES_MAX);
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self {
            pieces,
            memory: semaphore(usize::try_from(pieces).unwrap_or(Semaphore::MAX_PERMITS)),
            turns: semaphore(turns.max(1)),
            places: semaphore(turns.max(1).saturating_add(waiting_max)),
            wait_max: WAIT_MAX,
        }
    }

    /// Memory for a request of which nothing was read yet.
    pub(super) fn memory(&self) -> Memory {
        Memory { budget: Arc::clone(&self.memory), held: None, pieces: 0 }
    }

    /// Waits for a turn, a bounded time among a bounded number.
    ///
    /// # Errors
    /// [`NoRoom`] where too many wait, or the wait is too long.
    pub(super) async fn turn(&self) -> Result<Turn, NoRoom> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoRoom)?;
        let turn = tokio::time::timeout(self.wait_max, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| NoRoom)?
            .map_err(|_| NoRoom)?;
        Ok(Turn { _place: place, _turn: turn })
    }

    /// Waits until no delivery is under way; none can begin any more.
    pub(super) async fn idle(&self) {
        if let Ok(all) = self.memory.acquire_many(self.pieces).await {
            all.forget();
        }
    }

    /// Bytes of requests for which there is room now.
    pub(super) fn room(&self) -> u64 {
        let pieces = u64::try_from(self.memory.available_permits()).unwrap_or(u64::MAX);
        pieces.saturating_mul(PIECE_LEN) / FACTOR
    }
}

impl Memory {
    /// Sets memory aside for a request of `len` bytes in all, or says that there is none.
    ///
    /// # Errors
    /// [`NoRoom`]; what was set aside before stays.
    pub(super) fn grow_to(&mut self, len: u64) -> Result<(), NoRoom> {
        let wanted = len.saturating_mul(FACTOR).div_ceil(PIECE_LEN);
        let more = wanted.saturating_sub(self.pieces);
        if more == 0 {
            return Ok(());
        }
        let count = u32::try_from(more).map_err(|_| NoRoom)?;
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(count).map_err(|_| NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        self.pieces = wanted;
        Ok(())
    }
}

/// Most pieces: 4 TiB.
const PIECES_MAX: u32 = 1 << 28;

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn memory_is_set_aside_threefold_and_given_back() {
        let budget = Budget::new(3 * 1024 * 1024, 1, 0);
        let mut first = budget.memory();
        first.grow_to(512 * 1024).unwrap();
        first.grow_to(768 * 1024).unwrap();
        assert_eq!(budget.room(), 256 * 1024);
        let mut second = budget.memory();
        assert_eq!(second.grow_to(512 * 1024), Err(NoRoom));
        second.grow_to(256 * 1024).unwrap();
        assert_eq!(budget.room(), 0);
        drop(first);
        assert_eq!(budget.room(), 768 * 1024);
        drop(second);
        assert_eq!(budget.room(), 1024 * 1024);
    }

    #[tokio::test]
    async fn it_is_idle_when_the_last_delivery_is_done() {
        let budget = Budget::new(1024 * 1024, 1, 0);
        let mut memory = budget.memory();
        memory.grow_to(10).unwrap();
        let mut idle = std::pin::pin!(budget.idle());
        assert!((&mut idle).now_or_never().is_none());
        drop(memory);
        idle.await;
        assert_eq!(budget.room(), 0);
    }

    #[tokio::test]
    async fn turns_are_waited_for_by_few() {
        let budget = Arc::new(Budget::new(1024, 1, 1));
        let held = budget.turn().await.unwrap();
        let mut waiting = std::pin::pin!(budget.turn());
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(budget.turn().await.map(|_| ()), Err(NoRoom));
        drop(held);
        assert!(waiting.await.is_ok());
        assert!(budget.turn().await.is_ok());
    }

    #[tokio::test]
    async fn turns_are_not_waited_for_without_end() {
        let budget = Budget { wait_max: Duration::ZERO, ..Budget::new(1024, 1, 1) };
        let held = budget.turn().await.unwrap();
        assert_eq!(budget.turn().await.map(|_| ()), Err(NoRoom));
        drop(held);
        assert!(budget.turn().await.is_ok());
    }
}
