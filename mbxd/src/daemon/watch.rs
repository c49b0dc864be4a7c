//! Writes into the audit log what happens to the daemon by itself: the token is opened or lost,
//! the disk fills or has room again.

use crate::clock::Clock;
use crate::hsm::{Custody, State};
use crate::store::{Changes, Store};
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// How often the space is looked at.
const STEP: Duration = Duration::from_secs(2);

/// Notes events of the daemon's own.
#[derive(Clone)]
pub(super) struct Diary {
    pub(super) store: Store,
    pub(super) clock: Clock,
}

impl Diary {
    /// Writes one entry without changes; where it cannot be written, the log tells.
    pub(super) async fn note(&self, event: Event, outcome: Outcome, facts: Vec<Fact>) {
        let mut entry = Entry::new(self.clock.now(), event, Actor::Daemon).outcome(outcome);
        entry.facts = facts;
        if let Err(error) = self.store.commit(Changes::new(), entry).await {
            tracing::error!(%error, %event, "an event cannot be written into the audit log");
        }
    }

    /// Follows the token for ever.
    pub(super) async fn follow_token(self, custody: Arc<dyn Custody>) {
        let mut changes = custody.changes();
        let mut known = State::Locked;
        loop {
            let state = *changes.borrow_and_update();
            if state != known {
                let noted = match state {
                    State::Ready => Some((Event::HsmOpened, Outcome::Done)),
                    State::Down => Some((Event::HsmLost, Outcome::Failed)),
                    State::PinRejected | State::PinLocked => {
                        Some((Event::PinRejected, Outcome::Refused))
                    }
                    State::PolicyViolated => Some((Event::IntegrityViolated, Outcome::Refused)),
                    State::Locked => None,
                };
                tracing::info!(?state, "the token's state changed");
                if let Some((event, outcome)) = noted {
                    self.note(event, outcome, Vec::new()).await;
                }
                known = state;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Follows the free space for ever.
    pub(super) async fn follow_space(self) {
        let mut known = false;
        loop {
            let space = self.store.space();
            let low = space.deliveries_stopped || space.writes_stopped;
            if low != known {
                let event = if low { Event::SpaceLow } else { Event::SpaceBack };
                tracing::warn!(
                    free_bytes = space.free_bytes,
                    low,
                    "free disk space crossed a watermark"
                );
                self.note(event, Outcome::Done, vec![Fact::Bytes(space.free_bytes)]).await;
                known = low;
            }
            tokio::time::sleep(STEP).await;
        }
    }
}
