//! SIGHUP: reads configuration and files anew; what cannot be used changes nothing.

use super::doors::Doors;
use super::rooms::Rooms;
use super::settings::{Settings, identities};
use super::standing::Standing;
use super::watch::Diary;
use crate::store::Changes;
use crate::telemetry::Chain;
use crate::{config, holder};
use mbx_common::audit::{Actor, Entry, Event, Fact, Outcome};
use std::path::Path;

/// Reloads everything that can change under a running daemon ([`crate::config::Config::reloaded`]),
/// and gives the keys that wait for the next start.
pub(super) async fn reload(
    rooms: &Rooms,
    doors: &Doors,
    standing: &Standing,
    main: &Path,
    diary: &Diary,
) -> Vec<String> {
    match try_reload(rooms, doors, standing, main).await {
        Ok(()) => {
            rooms.trust.refresh_lists().await;
            tracing::info!("configuration and certificates read anew");
            let waiting = standing.get().waiting();
            if !waiting.is_empty() {
                let keys = waiting.join(", ");
                tracing::warn!(keys, "changed keys take effect at the next start: {keys}");
            }
        }
        Err(reason) => {
            diary.note(Event::ConfigurationRefused, Outcome::Refused, Vec::new()).await;
            tracing::error!(reason, "the new configuration is not used; the old one stays");
        }
    }
    standing.get().waiting()
}

/// Everything is read and checked, then the audit entry is made durable, then all of it is put in
/// use: nothing of that last step can fail.
async fn try_reload(
    rooms: &Rooms,
    doors: &Doors,
    standing: &Standing,
    main: &Path,
) -> Result<(), String> {
    let loaded = config::load(main).map_err(|error| Chain(&error).to_string())?;
    let config = &loaded.config;
    let settings = Settings::read(config).map_err(|error| Chain(&error).to_string())?;
    let portals = match config.portal.listen {
        Some(_) => {
            Some(holder::Door::prepare(&config.portal).map_err(|error| Chain(&error).to_string())?)
        }
        None => None,
    };
    let prepared = rooms.trust.prepare(config.trust.clone(), identities(config)).await;
    let trust = prepared.map_err(|error| Chain(&error).to_string())?;
    let mut entry = Entry::new(rooms.clock.now(), Event::ConfigurationLoaded, Actor::Daemon);
    entry.facts = trust.facts();
    entry.facts.push(Fact::Digest(loaded.digest));
    let recorded = rooms.store.commit(Changes::new(), entry).await;
    recorded.map_err(|error| Chain(&error).to_string())?;
    rooms.trust.adopt(trust);
    if let Some(portals) = portals {
        doors.adopt(portals);
    }
    rooms.mailboxes.set_options(settings.mailboxes);
    standing.reload(loaded);
    Ok(())
}
