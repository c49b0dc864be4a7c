//! What is in force after a reload, and what waits for the next start.

use super::{Config, Delivery, Loaded, Origin, Portal};
use std::collections::{BTreeMap, BTreeSet};

/// The configuration in force, and the one that the next start takes.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// In force; its origins tell where each value was read last.
    pub now: Loaded,
    /// Read last: what the next start takes, if nobody changes the files.
    pub next: Loaded,
}

/// One key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Dotted.
    pub key: String,
    /// The value in force as TOML writes it; `None` where it has none.
    pub value: Option<String>,
    /// Where that value was set; `None` where it is the default.
    pub origin: Option<Origin>,
    /// What the next start takes in its place, where that is something else.
    pub after_restart: Option<Option<String>>,
}

impl Config {
    /// This configuration with everything of `new` that a reload puts in force. What is not named
    /// here waits for the next start.
    #[must_use]
    pub fn reloaded(&self, new: &Self) -> Self {
        Self {
            trust: new.trust.clone(),
            policy: new.policy.clone(),
            terms: new.terms.clone(),
            portal: Portal {
                listen: self.portal.listen,
                requests_max: self.portal.requests_max,
                ..new.portal.clone()
            },
            delivery: Delivery { tls: new.delivery.tls.clone(), ..self.delivery.clone() },
            ..self.clone()
        }
    }

    /// Every value by its dotted key, as TOML writes it. Keys without a value are absent.
    pub fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        // A section that cannot be written is a defect that the tests of the example find.
        if let Ok(value) = toml::Value::try_from(self) {
            flatten("", &value, &mut values);
        }
        values
    }
}

impl InForce {
    /// As it is after a start.
    pub fn started(loaded: Loaded) -> Self {
        Self { next: loaded.clone(), now: loaded }
    }

    /// As it is after a reload.
    #[must_use]
    pub fn reloaded(&self, next: Loaded) -> Self {
        let config = self.now.config.reloaded(&next.config);
        let (values, new) = (config.values(), next.config.values());
        let mut origin = BTreeMap::new();
        for key in values.keys() {
            let set = if values.get(key) == new.get(key) { &next.origin } else { &self.now.origin };
            if let Some(place) = set.get(key) {
                origin.insert(key.clone(), place.clone());
            }
        }
        let now = Loaded { config, origin, digest: next.digest, files: next.files.clone() };
        Self { now, next }
    }

    /// Every key, sorted.
    pub fn entries(&self) -> Vec<Entry> {
        let (values, next) = (self.now.config.values(), self.next.config.values());
        let keys: BTreeSet<&String> = values.keys().chain(next.keys()).collect();
        let entry = |key: &String| {
            let (value, after) = (values.get(key).cloned(), next.get(key).cloned());
            Entry {
                key: key.clone(),
                origin: self.now.origin.get(key).cloned(),
                after_restart: (value != after).then_some(after),
                value,
            }
        };
        keys.into_iter().map(entry).collect()
    }

    /// The keys that wait for the next start.
    pub fn waiting(&self) -> Vec<String> {
        let entries = self.entries().into_iter();
        entries.filter(|entry| entry.after_restart.is_some()).map(|entry| entry.key).collect()
    }
}

fn flatten(name: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
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
            into.insert(name.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    /// What is in force after a start with one text and a reload with another.
    fn reloaded(first: &str, second: &str) -> InForce {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("mbxd.toml");
        std::fs::write(&main, first).unwrap();
        let started = InForce::started(load(&main).unwrap());
        assert!(started.waiting().is_empty());
        std::fs::write(&main, second).unwrap();
        started.reloaded(load(&main).unwrap())
    }

    fn entry(in_force: &InForce, key: &str) -> Entry {
        in_force.entries().into_iter().find(|entry| entry.key == key).unwrap()
    }

    #[test]
    fn what_waits_for_the_next_start_is_told_beside_what_is_in_force() {
        let after = reloaded(
            "[policy]\nrestore_window = \"30 d\"\n[hsm]\nsessions = 2\n",
            "\n[policy]\nrestore_window = \"20 d\"\n\n[hsm]\nsessions = 8\n",
        );
        assert_eq!(after.waiting(), ["hsm.sessions"]);
        let sessions = entry(&after, "hsm.sessions");
        assert_eq!(sessions.value.as_deref(), Some("2"));
        assert_eq!(sessions.after_restart, Some(Some("8".to_owned())));
        assert_eq!(sessions.origin.unwrap().line, Some(4), "where the value in force stood");
        let window = entry(&after, "policy.restore_window");
        assert_eq!(window.value.as_deref(), Some("\"20 d\""));
        assert_eq!(window.after_restart, None);
        assert_eq!(window.origin.unwrap().line, Some(3));
    }

    #[test]
    fn keys_that_come_and_go_are_told_too() {
        let after = reloaded(
            "[health]\nlisten = \"unix:/a\"\n",
            "[portal]\nlisten = \"127.0.0.1:1\"\n[terms]\nversion = \"2\"\n",
        );
        assert_eq!(after.waiting(), ["health.listen", "portal.listen"]);
        assert_eq!(entry(&after, "health.listen").after_restart, Some(None));
        assert_eq!(entry(&after, "portal.listen").value, None);
        assert_eq!(entry(&after, "terms.version").value.as_deref(), Some("\"2\""));
    }

    #[test]
    fn a_second_reload_that_takes_a_change_back_leaves_nothing_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("mbxd.toml");
        let mut in_force = None;
        for text in ["[log]\nlevel = \"info\"", "[log]\nlevel = \"debug\"", ""] {
            std::fs::write(&main, text).unwrap();
            let loaded = load(&main).unwrap();
            in_force = Some(match in_force {
                None => InForce::started(loaded),
                Some(before) => InForce::reloaded(&before, loaded),
            });
        }
        let in_force = in_force.unwrap();
        assert!(in_force.waiting().is_empty(), "{:?}", in_force.waiting());
        assert_eq!(entry(&in_force, "log.level").origin, None, "it is the default again");
    }
}
