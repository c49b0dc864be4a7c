//! Places for connections: who gets one, and who gives one up.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A number of places, of which one client may hold a share.
///
/// Whoever waits for its peer keeps nobody out: where all places are taken, the newcomer gets that
/// of a connection at which nothing goes on; first of one that asks for nothing, then of one whose
/// request is still on its way, there of the client that holds the most, there the one that waits
/// longest. Where the newcomer's own share is taken it is one of its own. A connection whose
/// request is being worked on is never given up.
pub struct Places<K> {
    max: usize,
    share: usize,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    /// Orders arrivals and changes of what is done.
    next: u64,
    guests: BTreeMap<u64, Guest<K>>,
    counts: HashMap<K, Arc<AtomicUsize>>,
}

struct Guest<K> {
    client: K,
    /// How many places its client holds.
    count: Arc<AtomicUsize>,
    doing: Doing,
    since: u64,
    given_up: Arc<Notify>,
}

/// What goes on at a connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Doing {
    /// Nothing is asked, or not all of what asks it has come.
    Waiting,
    /// A request's body is on its way.
    Receiving,
    /// A request is worked on or answered.
    Working,
}

/// One connection's place; given back when dropped.
pub struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    id: u64,
    given_up: Arc<Notify>,
}

/// A request at a connection; when dropped, the connection waits for the next.
#[derive(Debug)]
pub struct Busy<K: Eq + Hash>(Arc<Place<K>>);

impl<K: Clone + Eq + Hash> Places<K> {
    /// So many places, of which each client holds at most a share.
    pub fn new(max: usize, share: usize) -> Arc<Self> {
        let held = Held { next: 0, guests: BTreeMap::new(), counts: HashMap::new() };
        Arc::new(Self { max: max.max(1), share: share.max(1), held: Mutex::new(held) })
    }

    /// A place for a client, if need be another's; `None` where nobody has one to give up.
    pub fn take(self: &Arc<Self>, client: K) -> Option<Place<K>> {
        let mut held = self.held();
        let count = Arc::clone(held.counts.entry(client.clone()).or_default());
        let own = count.load(Ordering::Relaxed) >= self.share;
        if (own || held.guests.len() >= self.max) && !held.give_up(own.then_some(&client)) {
            held.forget(&client, &count);
            return None;
        }
        count.fetch_add(1, Ordering::Relaxed);
        // Giving up one of the client's own may have forgotten it.
        held.counts.insert(client.clone(), Arc::clone(&count));
        let id = held.tick();
        let given_up = Arc::new(Notify::new());
        let place = Place { places: Arc::clone(self), id, given_up: Arc::clone(&given_up) };
        held.guests.insert(id, Guest { client, count, doing: Doing::Waiting, since: id, given_up });
        Some(place)
    }

    /// Gives up one connection at which nothing goes on; tells whether there was one.
    pub fn give_up_one(&self) -> bool {
        self.held().give_up(None)
    }
}

impl<K: Eq + Hash> Places<K> {
    fn held(&self) -> MutexGuard<'_, Held<K>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Held<K> {
    const fn tick(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    /// Gives up the place that can best be spared, of one client or of all.
    fn give_up(&mut self, of: Option<&K>) -> bool {
        let spared = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.doing != Doing::Working)
            .filter(|(_, guest)| of.is_none_or(|client| guest.client == *client))
            .min_by_key(|(_, guest)| {
                let others = usize::MAX.saturating_sub(guest.count.load(Ordering::Relaxed));
                (guest.doing, others, guest.since)
            })
            .map(|(id, _)| *id);
        let Some(id) = spared else { return false };
        if let Some(guest) = self.remove(id) {
            guest.given_up.notify_one();
        }
        true
    }

    fn remove(&mut self, id: u64) -> Option<Guest<K>> {
        let guest = self.guests.remove(&id)?;
        guest.count.fetch_sub(1, Ordering::Relaxed);
        self.forget(&guest.client, &guest.count);
        Some(guest)
    }

    /// Remembers nothing of a client that holds nothing.
    fn forget(&mut self, client: &K, count: &AtomicUsize) {
        if count.load(Ordering::Relaxed) == 0 {
            self.counts.remove(client);
        }
    }
}

impl<K: Eq + Hash> Place<K> {
    /// A request begins to come.
    pub fn begin(self: &Arc<Self>) -> Busy<K> {
        self.now(Doing::Receiving);
        Busy(Arc::clone(self))
    }

    /// What goes on at the connection from now on.
    fn now(&self, doing: Doing) {
        let mut held = self.places.held();
        let since = held.tick();
        if let Some(guest) = held.guests.get_mut(&self.id) {
            (guest.doing, guest.since) = (doing, since);
        }
    }

    /// Ends when the place was given to another: the connection must end too.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl<K: Eq + Hash> Busy<K> {
    /// Tells what goes on from now on.
    pub fn now(&self, doing: Doing) {
        self.0.now(doing);
    }
}

impl<K: Eq + Hash> Drop for Busy<K> {
    fn drop(&mut self) {
        self.0.now(Doing::Waiting);
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        drop(self.places.held().remove(self.id));
    }
}

impl<K> fmt::Debug for Places<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Places({}, {} a client)", self.max, self.share)
    }
}

impl<K: Eq + Hash> fmt::Debug for Place<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    type Guests = Vec<Place<&'static str>>;

    /// Which of them were given up.
    fn given_up(guests: &Guests) -> Vec<usize> {
        let gone = |place: &Place<_>| place.given_up().now_or_never().is_some();
        guests.iter().enumerate().filter(|(_, place)| gone(place)).map(|(at, _)| at).collect()
    }

    fn taken(places: &Arc<Places<&'static str>>, clients: &[&'static str]) -> Guests {
        clients.iter().map(|client| places.take(client).unwrap()).collect()
    }

    #[test]
    fn who_waits_longest_gives_its_place_to_the_newest() {
        let places = Places::new(2, 2);
        let guests = taken(&places, &["a", "b", "c", "d"]);
        assert_eq!(given_up(&guests), [0, 1]);
        assert_eq!(places.held().guests.len(), 2);
    }

    #[test]
    fn who_holds_most_gives_up_first_however_new() {
        let places = Places::new(4, 4);
        let guests = taken(&places, &["modest", "greedy", "greedy", "greedy", "new", "newer"]);
        assert_eq!(given_up(&guests), [1, 2]);
    }

    #[test]
    fn who_is_worked_for_gives_up_nothing_and_who_still_sends_gives_up_last() {
        let places = Places::new(3, 3);
        let guests = taken(&places, &["working", "receiving", "waiting"]);
        guests[0].now(Doing::Working);
        guests[1].now(Doing::Receiving);
        let first = places.take("first").unwrap();
        assert_eq!(given_up(&guests), [2]);
        first.now(Doing::Working);
        let second = places.take("second").unwrap();
        assert_eq!(given_up(&guests), [1]);
        second.now(Doing::Working);
        assert!(places.take("third").is_none());
        assert!(!places.give_up_one());
        drop(second);
        assert!(places.take("third").is_some());
    }

    #[test]
    fn a_request_that_is_done_makes_its_connection_the_newest_that_waits() {
        let places = Places::new(2, 2);
        let guests = taken(&places, &["a", "b"]);
        guests[0].now(Doing::Working);
        guests[0].now(Doing::Waiting);
        let _new = places.take("c").unwrap();
        assert_eq!(given_up(&guests), [1]);
    }

    #[test]
    fn beyond_its_share_a_client_gives_up_its_own() {
        let places = Places::new(9, 2);
        let guests = taken(&places, &["other", "greedy", "greedy", "greedy"]);
        assert_eq!(given_up(&guests), [1]);
        guests[2].now(Doing::Working);
        guests[3].now(Doing::Working);
        assert!(places.take("greedy").is_none());
        assert!(places.take("other").is_some());
    }

    #[test]
    fn nothing_is_remembered_of_clients_that_are_gone() {
        let places = Places::new(1, 1);
        let first = places.take("a").unwrap();
        first.now(Doing::Working);
        assert!(places.take("b").is_none());
        drop(first);
        let given_up = places.take("c").unwrap();
        let new = places.take("c").unwrap();
        assert_eq!(places.held().counts.len(), 1);
        drop((given_up, new));
        assert!(places.held().counts.is_empty() && places.held().guests.is_empty());
    }
}
