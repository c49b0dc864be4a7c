//! Opened mailbox keys, for as long as a holder is at work (`hsm.md`, "Caching and unlock").
//!
//! The only place where an opened private key outlives one act. Bounded, expiring, wiped on drop;
//! wrapping secrets are never kept.

use super::unlocked::UnlockedKey;
use mbx_common::assurance::Tier;
use mbx_common::id::MailboxId;
use mbx_common::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Names one session of one holder: a digest of portal, person, mailbox, time of identification
/// and level of assurance. Two sessions never share an opened key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HolderSession([u8; 32]);

impl HolderSession {
    /// The session of this digest.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

/// How many opened keys are kept, and how long. Their meaning: section `[keys]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CacheBounds {
    /// Keys at most.
    pub keys_max: usize,
    /// Unused for so long, a key is dropped; in milliseconds.
    pub idle_ms: u64,
    /// However much it is used, a key is dropped after so long; in milliseconds.
    pub absolute_ms: u64,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Slot {
    pub(super) session: HolderSession,
    pub(super) mailbox: MailboxId,
    pub(super) tier: Tier,
}

struct Entry {
    key: Arc<UnlockedKey>,
    epoch: u32,
    opened: Timestamp,
    used: Timestamp,
}

/// Counts how often keys were dropped because something ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Generation(u64);

impl Generation {
    const fn end(&mut self) {
        self.0 = self.0.wrapping_add(1);
    }
}

/// A key that was opened just now.
pub(super) struct Opened {
    pub(super) key: Arc<UnlockedKey>,
    pub(super) epoch: u32,
    /// The cache's generation when the opening began.
    pub(super) began: Generation,
}

/// The opened keys.
pub(super) struct Cache {
    bounds: CacheBounds,
    generation: Generation,
    entries: HashMap<Slot, Entry>,
}

impl Cache {
    pub(super) fn new(bounds: CacheBounds) -> Self {
        Self { bounds, generation: Generation(0), entries: HashMap::new() }
    }

    /// To be taken before a key is opened, for [`Cache::put`].
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// The key in this slot, where it is of this epoch and has not expired.
    pub(super) fn get(
        &mut self,
        slot: Slot,
        epoch: u32,
        now: Timestamp,
    ) -> Option<Arc<UnlockedKey>> {
        let entry = self.entries.get_mut(&slot)?;
        if entry.epoch != epoch || self.bounds.expired(entry, now) {
            self.entries.remove(&slot);
            return None;
        }
        entry.used = now.max(entry.used);
        Some(Arc::clone(&entry.key))
    }

    /// Keeps a key; where the cache is full, the one unused for longest goes.
    ///
    /// A key is not kept whose opening began in a former generation: what ended in between may
    /// have been its own session or mailbox.
    pub(super) fn put(&mut self, slot: Slot, opened: Opened, now: Timestamp) {
        if self.bounds.keys_max == 0 || opened.began != self.generation {
            return;
        }
        let Opened { key, epoch, .. } = opened;
        if self.entries.len() >= self.bounds.keys_max && !self.entries.contains_key(&slot) {
            self.expire(now);
            self.make_room();
        }
        self.entries.insert(slot, Entry { key, epoch, opened: now, used: now });
    }

    fn make_room(&mut self) {
        if self.entries.len() < self.bounds.keys_max {
            return;
        }
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(slot, _)| *slot);
        if let Some(slot) = oldest {
            self.entries.remove(&slot);
        }
    }

    /// Drops what has expired.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let bounds = self.bounds;
        self.entries.retain(|_, entry| !bounds.expired(entry, now));
    }

    /// Drops the keys of one session.
    pub(super) fn end_session(&mut self, session: HolderSession) {
        self.generation.end();
        self.entries.retain(|slot, _| slot.session != session);
    }

    /// Drops the keys of one mailbox.
    pub(super) fn forget(&mut self, mailbox: MailboxId) {
        self.generation.end();
        self.entries.retain(|slot, _| slot.mailbox != mailbox);
    }

    /// Drops everything.
    pub(super) fn purge(&mut self) {
        self.generation.end();
        self.entries.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the last of the present keys will have expired, where there is one.
    pub(super) fn lasts_until(&self) -> Option<Timestamp> {
        let ends = |entry: &Entry| {
            let idle = entry.used.plus_millis(self.bounds.idle_ms);
            idle.min(entry.opened.plus_millis(self.bounds.absolute_ms))
        };
        self.entries.values().map(ends).max()
    }
}

impl CacheBounds {
    /// A clock that went back before the opening counts as expired: how old the key is, is unknown.
    const fn expired(&self, entry: &Entry, now: Timestamp) -> bool {
        now.as_millis() < entry.opened.as_millis()
            || now.since(entry.used) >= self.idle_ms
            || now.since(entry.opened) >= self.absolute_ms
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::PrivateKey;
    use super::*;

    const BOUNDS: CacheBounds = CacheBounds { keys_max: 2, idle_ms: 100, absolute_ms: 250 };

    fn key() -> Arc<UnlockedKey> {
        Arc::new(UnlockedKey::new(PrivateKey::generate()))
    }

    fn slot(session: u8, mailbox: u8, tier: Tier) -> Slot {
        Slot {
            session: HolderSession::from_digest([session; 32]),
            mailbox: MailboxId::from_bytes([mailbox; 16]),
            tier,
        }
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::EPOCH.plus_millis(1000 + ms)
    }

    fn put(cache: &mut Cache, slot: Slot, now: Timestamp) {
        let (key, began) = (key(), cache.generation());
        cache.put(slot, Opened { key, epoch: 1, began }, now);
    }

    fn cache_with(slots: &[Slot]) -> Cache {
        let mut cache = Cache::new(BOUNDS);
        for slot in slots {
            put(&mut cache, *slot, at(0));
        }
        cache
    }

    #[test]
    fn a_key_is_found_by_its_own_session_mailbox_tier_and_epoch_only() {
        let mine = slot(1, 1, Tier::Basic);
        let mut cache = cache_with(&[mine]);
        assert!(cache.get(mine, 1, at(1)).is_some());
        assert!(cache.get(slot(2, 1, Tier::Basic), 1, at(1)).is_none());
        assert!(cache.get(slot(1, 2, Tier::Basic), 1, at(1)).is_none());
        assert!(cache.get(slot(1, 1, Tier::High), 1, at(1)).is_none());
        assert!(cache.get(mine, 2, at(1)).is_none());
        assert_eq!(cache.len(), 0, "a key of an epoch gone by is dropped");
    }

    #[test]
    fn a_key_unused_for_the_idle_time_is_gone() {
        let mine = slot(1, 1, Tier::Basic);
        let mut cache = cache_with(&[mine]);
        assert!(cache.get(mine, 1, at(99)).is_some());
        assert!(cache.get(mine, 1, at(198)).is_some());
        assert!(cache.get(mine, 1, at(298)).is_none());
    }

    #[test]
    fn a_key_used_all_the_time_is_gone_at_the_absolute_time() {
        let mine = slot(1, 1, Tier::Basic);
        let mut cache = cache_with(&[mine]);
        for ms in (0..250).step_by(50) {
            assert!(cache.get(mine, 1, at(ms)).is_some());
        }
        assert!(cache.get(mine, 1, at(250)).is_none());
    }

    #[test]
    fn a_clock_that_goes_back_ends_the_keys() {
        let mine = slot(1, 1, Tier::Basic);
        let mut cache = cache_with(&[mine]);
        assert!(cache.get(mine, 1, Timestamp::EPOCH).is_none());
    }

    #[test]
    fn a_full_cache_drops_the_key_unused_for_longest() {
        let (first, second) = (slot(1, 1, Tier::Basic), slot(2, 2, Tier::Basic));
        let mut cache = cache_with(&[first, second]);
        assert!(cache.get(first, 1, at(10)).is_some());
        put(&mut cache, slot(3, 3, Tier::High), at(20));
        assert_eq!(cache.len(), 2);
        assert!(cache.get(second, 1, at(20)).is_none());
        assert!(cache.get(first, 1, at(20)).is_some());
    }

    #[test]
    fn the_end_of_a_session_a_mailbox_and_the_whole_cache_drop_their_keys() {
        let mut cache = cache_with(&[slot(1, 1, Tier::Basic), slot(2, 2, Tier::Basic)]);
        cache.end_session(HolderSession::from_digest([1; 32]));
        assert_eq!(cache.len(), 1);
        cache.forget(MailboxId::from_bytes([2; 16]));
        assert_eq!(cache.len(), 0);
        let mut cache = cache_with(&[slot(1, 1, Tier::Basic)]);
        cache.purge();
        assert!(cache.get(slot(1, 1, Tier::Basic), 1, at(0)).is_none());
    }

    #[test]
    fn a_dropped_key_is_dropped_at_once() {
        let key = key();
        let watch = Arc::downgrade(&key);
        let mut cache = Cache::new(BOUNDS);
        let began = cache.generation();
        cache.put(slot(1, 1, Tier::Basic), Opened { key, epoch: 1, began }, at(0));
        assert_eq!(cache.lasts_until(), Some(at(100)));
        cache.expire(at(100));
        assert!(watch.upgrade().is_none());
        assert_eq!(cache.lasts_until(), None);
    }

    #[test]
    fn a_cache_of_no_entries_keeps_nothing() {
        let mut cache = Cache::new(CacheBounds { keys_max: 0, ..BOUNDS });
        put(&mut cache, slot(1, 1, Tier::Basic), at(0));
        assert_eq!(cache.len(), 0);
    }

    #[test]
    fn a_key_whose_opening_began_before_an_end_is_not_kept() {
        let ends: [fn(&mut Cache); 3] = [
            |cache| cache.end_session(HolderSession::from_digest([1; 32])),
            |cache| cache.forget(MailboxId::from_bytes([1; 16])),
            Cache::purge,
        ];
        for end in ends {
            let mut cache = Cache::new(BOUNDS);
            let began = cache.generation();
            end(&mut cache);
            let key = key();
            cache.put(slot(1, 1, Tier::Basic), Opened { key, epoch: 1, began }, at(0));
            assert_eq!(cache.len(), 0);
            put(&mut cache, slot(1, 1, Tier::Basic), at(0));
            assert_eq!(cache.len(), 1);
        }
    }
}
