//! Places for connections.

use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places for connections, of which one client may hold a share only: who forgets to close its
/// connections shuts nobody else out.
#[derive(Debug)]
pub(super) struct Places {
    max: usize,
    client_max: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_client: HashMap<CertificateDer<'static>, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    client: CertificateDer<'static>,
}

impl Places {
    pub(super) fn new(max: usize, client_max: usize) -> Arc<Self> {
        Arc::new(Self { max, client_max, held: Mutex::default() })
    }

    /// Whether there is none left.
    pub(super) fn are_taken(&self) -> bool {
        self.held().all >= self.max
    }

    /// A place for a client, by its own certificate; `None` where all or its own are taken.
    pub(super) fn take(self: &Arc<Self>, client: &CertificateDer<'static>) -> Option<Place> {
        let mut held = self.held();
        let own = held.by_client.get(client).copied().unwrap_or(0);
        if held.all >= self.max || own >= self.client_max {
            return None;
        }
        held.all = held.all.saturating_add(1);
        held.by_client.insert(client.clone(), own.saturating_add(1));
        Some(Place { places: Arc::clone(self), client: client.clone() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        held.all = held.all.saturating_sub(1);
        match held.by_client.get_mut(&self.client) {
            Some(own) if *own > 1 => *own = own.saturating_sub(1),
            _ => drop(held.by_client.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_takes_its_share_and_all_together_what_there_is() {
        let places = Places::new(3, 2);
        let [one, other] = [b"one", b"two"].map(|der| CertificateDer::from(der.to_vec()));
        let first = places.take(&one).unwrap();
        let _second = places.take(&one).unwrap();
        assert!(places.take(&one).is_none());
        let _third = places.take(&other).unwrap();
        assert!(places.are_taken());
        assert!(places.take(&other).is_none());
        drop(first);
        assert!(!places.are_taken());
        assert!(places.take(&one).is_some());
        assert!(places.take(&other).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_clients_that_are_gone() {
        let places = Places::new(3, 2);
        drop(places.take(&CertificateDer::from(b"one".to_vec())));
        assert!(places.held().by_client.is_empty());
    }
}
