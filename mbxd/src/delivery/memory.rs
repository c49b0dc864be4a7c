//! Memory that deliveries may take together.

use mbx_common::identity::OrganisationNumber;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Bytes of memory counted per byte of a request: the bytes themselves, the tree over them, the
/// ciphertext.
const FACTOR: u64 = 3;

/// There is no room: the peer is told to come back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NoRoom;

/// Memory for everything under way, shared by all connections.
///
/// No client takes more than it leaves to others: alone it gets half, beside a greedy one a third,
/// and whoever comes after however many finds room.
#[derive(Debug)]
pub(super) struct Budget {
    max: u64,
    taken: Mutex<Taken>,
    given_back: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    by_client: HashMap<OrganisationNumber, u64>,
    /// Nothing is given any more.
    closed: bool,
}

/// Memory set aside for one delivery; given back when dropped.
#[derive(Debug)]
pub(super) struct Memory {
    budget: Arc<Budget>,
    client: OrganisationNumber,
    taken: u64,
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(max: u64) -> Arc<Self> {
        Arc::new(Self { max, taken: Mutex::default(), given_back: Notify::new() })
    }

    /// Memory for a client's request of which nothing was read yet.
    pub(super) fn memory(self: &Arc<Self>, client: OrganisationNumber) -> Memory {
        Memory { budget: Arc::clone(self), client, taken: 0 }
    }

    /// Waits until no delivery is under way; none can begin any more.
    pub(super) async fn idle(&self) {
        self.taken().closed = true;
        loop {
            let given_back = self.given_back.notified();
            if self.taken().all == 0 {
                return;
            }
            given_back.await;
        }
    }

    /// Longest request for which there is room where nothing else is under way.
    pub(super) const fn longest(max: u64) -> u64 {
        max / 2 / FACTOR
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Sets memory aside for a request of `len` bytes in all, or says that there is none.
    ///
    /// # Errors
    /// [`NoRoom`]; what was set aside before stays.
    pub(super) fn grow_to(&mut self, len: u64) -> Result<(), NoRoom> {
        let wanted = len.saturating_mul(FACTOR);
        let more = wanted.saturating_sub(self.taken);
        if more == 0 {
            return Ok(());
        }
        let mut taken = self.budget.taken();
        let own = taken.by_client.get(&self.client).copied().unwrap_or(0).saturating_add(more);
        let all = taken.all.saturating_add(more);
        if taken.closed || self.budget.max.checked_sub(all).is_none_or(|left| left < own) {
            return Err(NoRoom);
        }
        taken.all = all;
        taken.by_client.insert(self.client, own);
        self.taken = wanted;
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut taken = self.budget.taken();
        taken.all = taken.all.saturating_sub(self.taken);
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own = own.saturating_sub(self.taken);
            if *own == 0 {
                taken.by_client.remove(&self.client);
            }
        }
        drop(taken);
        self.budget.given_back.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::pin::pin;

    fn client(index: u32) -> OrganisationNumber {
        mbx_sim::identity::organisation(index).parse().unwrap()
    }

    #[test]
    fn memory_is_set_aside_threefold_and_given_back() {
        let budget = Budget::new(600);
        let mut first = budget.memory(client(1));
        first.grow_to(50).unwrap();
        first.grow_to(100).unwrap();
        assert_eq!(budget.taken().all, 300);
        assert_eq!(Budget::longest(600), 100);
        drop(first);
        assert_eq!(budget.taken().all, 0);
        assert!(budget.taken().by_client.is_empty());
    }

    #[test]
    fn no_client_takes_more_than_it_leaves_to_others() {
        let budget = Budget::new(1200);
        let mut greedy: Vec<Memory> = (0..3).map(|_| budget.memory(client(1))).collect();
        assert_eq!(greedy[0].grow_to(100), Ok(()));
        assert_eq!(greedy[1].grow_to(100), Ok(()));
        assert_eq!(greedy[2].grow_to(1), Err(NoRoom));
        let mut second = budget.memory(client(2));
        assert_eq!(second.grow_to(100), Ok(()));
        assert_eq!(second.grow_to(101), Err(NoRoom));
        assert_eq!(budget.memory(client(3)).grow_to(50), Ok(()));
        greedy.pop();
        greedy.pop();
        assert_eq!(second.grow_to(150), Ok(()));
    }

    #[tokio::test]
    async fn it_is_idle_when_the_last_delivery_is_done() {
        let budget = Budget::new(1024);
        let mut memory = budget.memory(client(1));
        memory.grow_to(10).unwrap();
        let mut idle = pin!(budget.idle());
        assert!((&mut idle).now_or_never().is_none());
        drop(memory);
        idle.await;
        assert_eq!(budget.memory(client(1)).grow_to(1), Err(NoRoom));
    }
}
