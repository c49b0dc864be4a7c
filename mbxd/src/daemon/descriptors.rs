//! File descriptors: as many as the doors may ever hold are there, so that no peer can draw the
//! store's or the token's away.

use super::error::StartError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What everything but the doors' sockets opens: 64 segments of the log, its index, standard
/// streams, timers, the token's module, files read at a reload; about 100 in all.
const OTHERS_MAX: usize = 128;

/// Makes sure that so many sockets can be open beside everything else.
///
/// Raises the limit no higher than that: some PKCS #11 modules use `select`, which knows no
/// descriptor from 1024 on. By default all fits below.
///
/// # Errors
/// [`StartError::Setting`] where the limit that this process may set is lower.
pub(super) fn provide(sockets_max: usize) -> Result<(), StartError> {
    let limit = getrlimit(Resource::Nofile);
    let needed = needed(sockets_max);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(needed), ..limit };
    if limit.maximum.is_none_or(|most| most >= needed)
        && setrlimit(Resource::Nofile, raised).is_ok()
    {
        return Ok(());
    }
    Err(StartError::Setting(format!(
        "{needed} open files are needed and {} are allowed: raise LimitNOFILE= or lower \
         [delivery] connections_max",
        limit.maximum.unwrap_or_default()
    )))
}

fn needed(sockets_max: usize) -> u64 {
    u64::try_from(sockets_max.saturating_add(OTHERS_MAX)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, control, delivery, health, holder};

    #[test]
    fn by_default_a_thousand_and_twenty_four_are_enough() {
        let doors = [
            delivery::sockets_max(&config::Delivery::default()),
            holder::Door::sockets_max(),
            control::Door::sockets_max(),
            health::Probes::sockets_max(),
        ];
        let needed = needed(doors.iter().sum());
        assert!((900..=1024).contains(&needed), "{needed}");
    }

    #[test]
    fn more_than_can_be_allowed_is_refused() {
        assert!(provide(usize::MAX).is_err());
        provide(1).unwrap();
    }
}
