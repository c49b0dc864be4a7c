//! Whether a door can be made of the section `[delivery]`: asked before a start, at a reload and by
//! `--check-config`.

use super::memory::Budget;
use super::turns::Turns;
use crate::{config, https, peers};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest `drain` that is taken: whoever stops the daemon waits no longer.
const DRAIN_MAX: Duration = Duration::from_mins(10);

/// Why the door cannot open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// `body_max` is above its limit.
    #[error("[delivery] body_max is at most {}", config::Delivery::BODY_MAX_LIMIT)]
    BodyMax,
    /// One longest request does not fit into `memory_max`, of which each client takes half at most.
    #[error("[delivery] memory_max must hold six times body_max")]
    Memory,
    /// `path` is no absolute path.
    #[error("[delivery] path begins with / and has neither ? nor #")]
    Path,
    /// Nobody could connect, or there is no counting of so many connections.
    #[error("[delivery] connections_max is 1 to {}", Semaphore::MAX_PERMITS)]
    Connections,
    /// `drain` is beyond ten minutes.
    #[error("[delivery] drain is at most 10 min")]
    Drain,
}

/// Whether a door can be made of this section.
///
/// # Errors
/// [`DoorError`] where it contradicts itself.
pub fn check(config: &config::Delivery) -> Result<(), DoorError> {
    if config.body_max > config::Delivery::BODY_MAX_LIMIT {
        return Err(DoorError::BodyMax);
    }
    if !config.path.starts_with('/') || config.path.contains(['?', '#']) {
        return Err(DoorError::Path);
    }
    if Budget::longest(config.memory_max.get()) < config.body_max.get() {
        return Err(DoorError::Memory);
    }
    if !(1..=Semaphore::MAX_PERMITS).contains(&config.connections_max) {
        return Err(DoorError::Connections);
    }
    if config.drain.duration() > DRAIN_MAX {
        return Err(DoorError::Drain);
    }
    Ok(())
}

/// Sockets that the door may hold at a time.
pub fn sockets_max(config: &config::Delivery) -> usize {
    bounds(config).sockets_max()
}

/// Bounds of the listener.
pub(super) fn bounds(config: &config::Delivery) -> https::Bounds {
    https::Bounds {
        connections_max: config.connections_max,
        client_connections_max: config.connections_max.div_ceil(2),
        handshakes_max: https::Bounds::HANDSHAKES_MAX,
        requests_per_connection_max: config.requests_per_connection_max,
        header_timeout: config.header_timeout.duration(),
        reader_grace: peers::GRACE,
        reader_rate_min: peers::RATE_MIN,
        drain: config.drain.duration(),
    }
}

/// Turns as the section says; one for each processor where it says nothing.
pub(super) fn turns(config: &config::Delivery) -> Arc<Turns> {
    let turns = match config.verify_parallel {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        some => some,
    };
    Turns::new(turns, config.verify_waiting_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{ByteSize, Span};

    fn judged(change: impl FnOnce(&mut config::Delivery)) -> Result<(), DoorError> {
        let mut config = config::Delivery::default();
        change(&mut config);
        check(&config)
    }

    #[test]
    fn the_defaults_and_the_outermost_values_are_taken() {
        assert_eq!(judged(|_| ()), Ok(()));
        let outermost = judged(|config| {
            config.body_max = ByteSize::mib(64);
            config.memory_max = ByteSize::mib(384);
            config.connections_max = Semaphore::MAX_PERMITS;
            config.drain = Span::secs(600);
        });
        assert_eq!(outermost, Ok(()));
        assert_eq!(judged(|config| config.connections_max = 1), Ok(()));
    }

    #[test]
    fn each_bound_is_held_by_itself() {
        let too_long =
            |config: &mut config::Delivery| config.body_max = ByteSize::bytes((64 << 20) + 1);
        assert_eq!(judged(too_long), Err(DoorError::BodyMax));
        let narrow = |config: &mut config::Delivery| config.memory_max = ByteSize::mib(95);
        assert_eq!(judged(narrow), Err(DoorError::Memory));
        for path in ["service", "", "/service?wsdl", "/service#x"] {
            assert_eq!(judged(|config| config.path = path.to_owned()), Err(DoorError::Path));
        }
        for connections in [0, Semaphore::MAX_PERMITS + 1, usize::MAX] {
            let judged = judged(|config| config.connections_max = connections);
            assert_eq!(judged, Err(DoorError::Connections));
        }
        let slow = |config: &mut config::Delivery| config.drain = Span::millis(600_001);
        assert_eq!(judged(slow), Err(DoorError::Drain));
    }
}
