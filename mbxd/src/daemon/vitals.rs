//! What `status` tells that no other room knows: rates and moments, sampled.

use crate::clock::Clock;
use crate::control;
use crate::health::{Ability, Health};
use crate::store::Store;
use crate::telemetry::metrics::{DELIVERIES_ACCEPTED, DELIVERIES_REFUSED, DELIVERY_TIME};
use mbx_common::control::Level;
use mbx_common::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Time between two samples.
const STEP: Duration = Duration::from_secs(5);

/// Samples kept: one minute.
const KEPT: usize = 13;

/// Samples counters and puts them together with what health knows. Cheap to clone.
#[derive(Clone)]
pub(super) struct Vitals {
    health: Health,
    store: Store,
    clock: Clock,
    samples: Arc<Mutex<Samples>>,
}

#[derive(Default)]
struct Samples {
    accepted: VecDeque<u64>,
    day: u64,
    refused_at_midnight: u64,
    refused: u64,
    last_refused: Option<Timestamp>,
}

impl Vitals {
    pub(super) fn new(health: Health, store: Store, clock: Clock) -> Self {
        Self { health, store, clock, samples: Arc::default() }
    }

    /// Samples for ever.
    pub(super) async fn keep_sampling(self) {
        loop {
            self.sample();
            tokio::time::sleep(STEP).await;
        }
    }

    fn sample(&self) {
        let now = self.clock.now();
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.day != now.as_days() {
            samples.day = now.as_days();
            samples.refused_at_midnight = samples.refused;
        }
        samples.note_refused(now);
        samples.accepted.push_back(DELIVERIES_ACCEPTED.get());
        if samples.accepted.len() > KEPT {
            samples.accepted.pop_front();
        }
    }

    /// The figures of this moment.
    pub(super) fn figures(&self) -> control::Vitals {
        let abilities = self.health.abilities();
        let space = self.store.space();
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.note_refused(self.clock.now());
        let first = samples.accepted.front().copied().unwrap_or_default();
        control::Vitals {
            deliver: ability(abilities.deliver),
            read: ability(abilities.read),
            admin: ability(abilities.admin),
            accepted_per_min: DELIVERIES_ACCEPTED.get().saturating_sub(first),
            median_us: DELIVERY_TIME.median_us(),
            refused_today: samples.refused.saturating_sub(samples.refused_at_midnight),
            last_refused: samples.last_refused,
            used_bytes: space.used_bytes,
            free_bytes: space.free_bytes,
            space_low: space.deliveries_stopped,
        }
    }
}

impl Samples {
    /// Takes over what was refused since the last look.
    fn note_refused(&mut self, now: Timestamp) {
        let refused = DELIVERIES_REFUSED.get();
        if refused != self.refused {
            self.refused = refused;
            self.last_refused = Some(now);
        }
    }
}

fn ability(ability: Ability) -> control::Ability {
    let level = match ability {
        Ability::Ready => Level::Ok,
        Ability::Degraded(_) => Level::Attention,
        Ability::Away(_) => Level::Wrong,
    };
    control::Ability { level, reason: ability.cause().map(str::to_owned) }
}
