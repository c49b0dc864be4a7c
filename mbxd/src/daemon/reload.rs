//! SIGHUP: reads configuration and files anew; what cannot be used changes nothing.

use super::doors::Doors;
use super::rooms::{InEffect, Rooms, identities};
use super::settings;
use super::watch::Diary;
use crate::config;
use mbx_common::audit::{Actor, Event, Fact, Origin, Outcome};
use std::path::Path;

/// Reloads everything that can change under a running daemon: certificates, roots, revocation
/// lists, policy and terms. Keys of `[paths]`, `[store]`, `[hsm]` and the listeners' addresses
/// take effect at the next start.
pub(super) async fn reload(
    rooms: &Rooms,
    doors: &Doors,
    in_effect: &InEffect,
    main: &Path,
    diary: &Diary,
) {
    match try_reload(rooms, doors, main).await {
        Ok(loaded) => {
            let digest = loaded.digest;
            in_effect.set(loaded);
            diary.note(Event::ConfigurationLoaded, Outcome::Done, vec![Fact::Digest(digest)]).await;
            tracing::info!("configuration and certificates read anew");
        }
        Err(reason) => {
            diary.note(Event::ConfigurationRefused, Outcome::Refused, Vec::new()).await;
            tracing::error!(reason, "the new configuration is not used; the old one stays");
        }
    }
}

async fn try_reload(rooms: &Rooms, doors: &Doors, main: &Path) -> Result<config::Loaded, String> {
    let loaded = config::load(main).map_err(|error| error.to_string())?;
    let options = settings::mailboxes(&loaded.config).map_err(|error| error.to_string())?;
    let origin = Origin::of(Actor::Daemon);
    rooms
        .trust
        .reconfigure(loaded.config.trust.clone(), identities(&loaded.config), &origin)
        .await
        .map_err(|error| error.to_string())?;
    doors.reconfigure(&loaded.config).map_err(|error| error.to_string())?;
    rooms.mailboxes.set_options(options);
    rooms.trust.refresh_lists().await;
    Ok(loaded)
}
