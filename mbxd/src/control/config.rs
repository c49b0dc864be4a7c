//! `GET /v1/config`: the configuration in effect and which file set each key.

use super::answer::{Answer, json};
use super::refusal::Refusal;
use super::rooms::Rooms;
use mbx_common::control::config::{ConfigKey, ConfigView};
use mbx_common::error::Kind;

/// The configuration in effect. Secrets are never in it: it names files and credentials only.
pub(super) fn show(rooms: &Rooms) -> Result<Answer, Refusal> {
    let loaded = (rooms.config)();
    let value = toml::Value::try_from(&loaded.config)
        .map_err(|error| Refusal::of_kind(Kind::Internal, &error))?;
    let mut keys = Vec::new();
    flatten("", &value, &mut keys);
    for key in &mut keys {
        key.origin = loaded.origin.get(&key.key).map(|path| path.display().to_string());
    }
    let files = loaded.files.iter().map(|path| path.display().to_string()).collect();
    json(&ConfigView { keys, files })
}

fn flatten(name: &str, value: &toml::Value, into: &mut Vec<ConfigKey>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, into);
            }
        }
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_) => {
            into.push(ConfigKey { key: name.to_owned(), value: value.to_string(), origin: None });
        }
    }
}
