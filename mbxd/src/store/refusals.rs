//! Entries of refusals that have no row of their own: the first of an actor and cause within a
//! minute is written, the others are counted into one.

use super::change::Changes;
use super::engine::Store;
use super::error::CommitError;
use super::floods::{Admitted, Counted, Floods};
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome};
use mbx_common::time::Timestamp;

/// Whose refusals, and of what cause: actor and reason of the entry.
type Key = (Actor, Option<String>);

/// Refusals of one event.
#[derive(Debug)]
pub struct Refusals {
    /// The event that tells how many more there were.
    counted: Event,
    floods: Floods<Key>,
}

impl Refusals {
    /// None yet; `counted` is the event that will tell how many more there were in a minute.
    pub fn counted_as(counted: Event) -> Self {
        Self { counted, floods: Floods::default() }
    }

    /// Writes the entry of a refusal (`true`), or counts it (`false`). Its reason must come from a closed set: it
    /// tells causes apart.
    ///
    /// A count of the minute before that cannot be written stays counted; this refusal is written
    /// all the same.
    ///
    /// # Errors
    /// [`CommitError`]; whoever was refused stays refused.
    pub async fn note(&self, store: &Store, entry: Entry) -> Result<bool, CommitError> {
        let key = (entry.actor.clone(), entry.reason.clone());
        let now = entry.time;
        let Admitted::Write { before } = self.floods.admit(&key, now) else { return Ok(false) };
        let counted = match before {
            Some(counted) => self.write(store, counted, now).await,
            None => Ok(()),
        };
        let written = store.commit(Changes::new(), entry).await.map(drop);
        if written.is_err() {
            self.floods.unwritten(&key);
        }
        written.and(counted).map(|()| true)
    }

    /// Writes what was counted in minutes that are over; in every minute where `all`. To be called
    /// every minute, and with `all` at stop.
    ///
    /// # Errors
    /// [`CommitError`] of the first count that could not be written; it and those behind it stay
    /// counted.
    pub async fn flush(&self, store: &Store, now: Timestamp, all: bool) -> Result<(), CommitError> {
        while let Some(counted) = self.floods.take_over(now, all) {
            self.write(store, counted, now).await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        store: &Store,
        counted: Counted<Key>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let (actor, reason) = counted.key.clone();
        let mut entry = Entry::new(now, self.counted, actor)
            .outcome(Outcome::Refused)
            .fact(Fact::Moment(counted.minute))
            .fact(Fact::Count(counted.calls));
        entry.reason = reason;
        let written = store.commit(Changes::new(), entry).await.map(drop);
        if written.is_err() {
            self.floods.put_back(counted);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::Memory;
    use std::sync::Arc;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    fn refusal(uid: u32, reason: &str, ms: u64) -> Entry {
        Entry::new(at(ms), Event::CommandRefused, Actor::Local(uid))
            .outcome(Outcome::Refused)
            .reason(reason)
    }

    struct Scene {
        memory: Arc<Memory>,
        store: Store,
        refusals: Refusals,
    }

    impl Scene {
        fn new() -> Self {
            let memory = Arc::new(Memory::new());
            let store = Store::new(Arc::<Memory>::clone(&memory));
            Self { memory, store, refusals: Refusals::counted_as(Event::CommandsRefusedCounted) }
        }

        async fn note(&self, uid: u32, reason: &str, ms: u64) -> Result<bool, CommitError> {
            self.refusals.note(&self.store, refusal(uid, reason, ms)).await
        }

        fn events(&self) -> Vec<(Event, Actor)> {
            let entries = self.memory.entries();
            entries.into_iter().map(|entry| (entry.event, entry.actor)).collect()
        }
    }

    #[tokio::test]
    async fn a_flood_of_one_actor_and_cause_is_two_entries_and_others_have_their_own() {
        let scene = Scene::new();
        for _ in 0..10_000 {
            scene.note(7, "user.list: not logged in", 1000).await.unwrap();
        }
        scene.note(8, "user.list: not logged in", 1000).await.unwrap();
        scene.note(7, "key.list: not logged in", 1000).await.unwrap();
        scene.refusals.flush(&scene.store, at(60_000), false).await.unwrap();
        let refused = |uid| (Event::CommandRefused, Actor::Local(uid));
        let counted = (Event::CommandsRefusedCounted, Actor::Local(7));
        assert_eq!(scene.events(), [refused(7), refused(8), refused(7), counted]);
        let entry = scene.memory.entries().pop().unwrap();
        assert_eq!(entry.facts, [Fact::Moment(at(0)), Fact::Count(9999)]);
        assert_eq!(entry.reason.as_deref(), Some("user.list: not logged in"));
    }

    #[tokio::test]
    async fn a_refusal_that_could_not_be_written_is_not_counted_as_written() {
        let scene = Scene::new();
        scene.memory.refuse(Some(CommitError::SpaceLow));
        assert!(scene.note(7, "cause", 1000).await.is_err());
        scene.memory.refuse(None);
        scene.note(7, "cause", 1001).await.unwrap();
        assert_eq!(scene.events(), [(Event::CommandRefused, Actor::Local(7))]);
    }

    #[tokio::test]
    async fn what_the_minute_before_counted_is_told_before_the_next_refusal() {
        let scene = Scene::new();
        for ms in [1000, 1001, 60_000] {
            scene.note(7, "cause", ms).await.unwrap();
        }
        let events: Vec<_> = scene.events().into_iter().map(|(event, _)| event).collect();
        let (one, more) = (Event::CommandRefused, Event::CommandsRefusedCounted);
        assert_eq!(events, [one, more, one]);
        scene.refusals.flush(&scene.store, at(60_001), true).await.unwrap();
        assert_eq!(scene.events().len(), 3);
    }

    #[tokio::test]
    async fn counts_that_cannot_be_written_are_told_later_and_whole() {
        let scene = Scene::new();
        for uid in [7, 8] {
            for ms in [1000, 1001, 1002] {
                scene.note(uid, "cause", ms).await.unwrap();
            }
        }
        scene.memory.refuse(Some(CommitError::SpaceLow));
        assert!(scene.refusals.flush(&scene.store, at(60_000), false).await.is_err());
        assert!(scene.note(7, "cause", 60_001).await.is_err());
        scene.memory.refuse(None);
        scene.refusals.flush(&scene.store, at(120_000), false).await.unwrap();
        let told = scene.memory.entries().split_off(2);
        let calls: Vec<_> = told.into_iter().map(|entry| entry.facts).collect();
        assert_eq!(calls, vec![[Fact::Moment(at(0)), Fact::Count(2)]; 2]);
    }
}
