//! What the service manager is told: readiness, reload, watchdog, stopping.

use sd_notify::NotifyState;
use std::future::{Future, pending};
use std::time::Duration;

/// Tells the service manager; without one, nobody.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

/// Tells that a reload begins; [`tell`] `Ready` ends it.
pub(super) fn tell_reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    tell(&states);
}

/// How long a start may take from each step of a long one on.
const START: Duration = Duration::from_mins(5);

/// Tells that a long start goes on, so that `TimeoutStartSec=` of the unit does not end it.
pub(super) fn tell_starting() {
    tell(&[NotifyState::ExtendTimeoutUsec(micros(START))]);
}

/// How long a stop may take besides what was begun: last entries, last checkpoint, the store.
const FINISH: Duration = Duration::from_secs(30);

/// Tells that the daemon stops and gives work under way so long: `TimeoutStopSec=` of the unit, which
/// knows nothing of the configuration, does not cut it short.
pub(super) fn tell_stopping(drain: Duration) {
    let time = drain.saturating_add(FINISH);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros(time))]);
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// Pings the watchdog at half its period, each time only after `check` came to its end: an event
/// loop or a store that hangs gets no ping, and the service manager acts.
pub(super) async fn watchdog<F: Future<Output = bool>>(check: impl Fn() -> F) {
    let Some(period) = sd_notify::watchdog_enabled() else { return pending().await };
    let mut ticks = tokio::time::interval(period / 2);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if tokio::time::timeout(period / 4, check()).await == Ok(true) {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::warn!(period = ?Duration::as_secs(&period), "the store does not answer the watchdog");
        }
    }
}
