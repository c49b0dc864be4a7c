//! `GET /v1/config`: the configuration in force, where each key was set, and what waits for the next
//! start.

use super::answer::{Answer, json};
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::config::Entry;
use mbx_common::control::config::{ConfigKey, ConfigView};

/// The configuration in force. Secrets are never in it: it names files and credentials only.
pub(super) fn show(rooms: &Rooms) -> Result<Answer, Refusal> {
    let in_force = (rooms.config)();
    let key = |entry: Entry| ConfigKey {
        key: entry.key,
        value: entry.value.unwrap_or_default(),
        origin: entry.origin.map(|place| place.to_string()),
        after_restart: entry.after_restart.map(Option::unwrap_or_default),
    };
    let files = in_force.now.files.iter().map(|path| path.display().to_string()).collect();
    json(&ConfigView { keys: in_force.entries().into_iter().map(key).collect(), files })
}
