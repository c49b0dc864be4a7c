//! Holds the shipped `packaging/mbxd.toml` and the page `mbxd.toml(5)` against the sections.
//!
//! Which keys there are, the sections themselves are asked: each refuses a key that it does not
//! know and names those that it does. So a new key is missed here before anybody lists it.

use super::Config;
use serde::Deserialize as _;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../../packaging/mbxd.toml");
const PAGE: &str = include_str!("../../../man/mbxd.toml.5");

/// A key that no section has.
const UNKNOWN: &str = "no-section-has-this-key";

/// The keys that the table at `path` knows; `None` where there is no table. A part `[]` of the path
/// is a list of tables.
fn known(path: &[String]) -> Option<Vec<String>> {
    let mut value = Value::Table(Table::from_iter([(UNKNOWN.to_owned(), Value::Boolean(true))]));
    for part in path.iter().rev() {
        value = if part == "[]" {
            Value::Array(vec![value])
        } else {
            Value::Table(Table::from_iter([(part.clone(), value)]))
        };
    }
    let error = Config::deserialize(value).unwrap_err().to_string();
    let message = error.lines().find(|line| line.starts_with("unknown field"))?;
    let mut quoted = message.split('`').skip(1).step_by(2);
    assert_eq!(quoted.next(), Some(UNKNOWN), "{message}");
    Some(quoted.map(str::to_owned).collect())
}

/// Every key of the configuration, dotted.
fn every_key() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        for key in known(&path).unwrap() {
            let mut single = path.clone();
            single.push(key);
            let mut list = single.clone();
            list.push("[]".to_owned());
            if known(&single).is_some() {
                open.push(single);
            } else {
                keys.insert(dotted(&single));
                if known(&list).is_some() {
                    open.push(list);
                }
            }
        }
    }
    keys
}

fn dotted(path: &[String]) -> String {
    path.iter().filter(|part| *part != "[]").map(String::as_str).collect::<Vec<_>>().join(".")
}

/// Every value of a table by its dotted key; a list of tables counts by its first.
fn flat(table: &Table, prefix: &str, into: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let tables = value.as_array().and_then(|list| list.first()).and_then(Value::as_table);
        if let Some(inner) = tables {
            flat(inner, &name, into);
        }
        match value.as_table() {
            Some(inner) if known(&path_of(&name)).is_some() => flat(inner, &name, into),
            _ => {
                into.insert(name, value.clone());
            }
        }
    }
}

fn path_of(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

fn flat_text(text: &str) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    flat(&toml::from_str(text).unwrap(), "", &mut values);
    values
}

/// The defaults that say something: neither an empty text nor an empty list.
fn defaults() -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    flat(&Table::try_from(Config::default()).unwrap(), "", &mut values);
    values.retain(|_, value| {
        value.as_str() != Some("") && !value.as_array().is_some_and(Vec::is_empty)
    });
    values
}

/// The example with the keys that begin with `#` taken in; words of explanation begin with `# `.
fn taken_in() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The items of the page: dotted key → its text.
fn page() -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    let mut section = String::new();
    let mut item: Option<String> = None;
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix(".Ss ").or_else(|| line.strip_prefix(".Sh ")) {
            item = None;
            section = match heading.trim_matches(['[', ']']) {
                name if name.len() < heading.len() => format!("{name}."),
                _ => String::new(),
            };
        } else if let Some(key) = line.strip_prefix(".It Ic ") {
            let name = format!("{section}{key}");
            assert!(items.insert(name.clone(), String::new()).is_none(), "{name} stands twice");
            item = Some(name);
        } else if let Some(text) = item.as_ref().and_then(|name| items.get_mut(name)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    items
}

#[test]
fn the_sections_name_their_own_keys() {
    let keys = every_key();
    for key in ["development", "hsm.slot_id", "delivery.tls.certificate", "portal.client.acr"] {
        assert!(keys.contains(key), "{key}");
    }
    let serialised = defaults();
    let unknown: Vec<_> = serialised.keys().filter(|key| !keys.contains(*key)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_shipped_example_is_the_default_configuration() {
    assert_eq!(toml::from_str::<Config>(EXAMPLE).unwrap(), Config::default());
    let written = flat_text(EXAMPLE);
    for (key, value) in defaults() {
        assert_eq!(written.get(&key), Some(&value), "{key} and its default are to be written out");
    }
}

#[test]
fn the_shipped_example_has_every_key_and_each_example_value_can_be_read() {
    let text = taken_in();
    let config: Config = toml::from_str(&text).unwrap();
    assert_eq!(config.portal.client.len(), 1);
    let mut written: BTreeSet<String> = flat_text(&text).into_keys().collect();
    written.insert("portal.client".to_owned());
    assert_eq!(written, every_key());
}

#[test]
fn the_manual_page_has_every_key_with_its_default() {
    let items = page();
    assert_eq!(items.keys().cloned().collect::<BTreeSet<_>>(), every_key());
    for (key, value) in defaults() {
        let shown = match &value {
            Value::Array(_) => continue,
            Value::String(text) => text.clone(),
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Table(_) => value.to_string(),
        };
        let text = items.get(&key).unwrap();
        let told = format!("Default {shown}");
        let is_told = text.lines().any(|line| {
            line.strip_prefix(told.as_str()).is_some_and(|rest| rest.starts_with(['.', ',', ':']))
        });
        assert!(is_told, "mbxd.toml(5), {key}: `{told}.` is missing:\n{text}");
    }
}

#[test]
fn the_example_of_the_manual_page_can_be_used() {
    let block = PAGE.split(".Bd -literal").nth(1).and_then(|rest| rest.split(".Ed").next());
    let text: String = block.unwrap().lines().skip(1).collect::<Vec<_>>().join("\n");
    let text = text.replace("<64 hex digits>", &"0".repeat(64));
    let config: Config = toml::from_str(&text).unwrap();
    assert!(config.delivery.listen.is_some() && config.portal.client.len() == 1);
}

#[test]
fn portals_have_the_defaults_that_example_and_page_tell() {
    let config: Config = toml::from_str(&taken_in()).unwrap();
    let told = config.portal.client.first().unwrap();
    let (name, issuer) = (&told.name, &told.issuer);
    let short: Config = toml::from_str(&format!(
        "[[portal.client]]\nname = {name:?}\nissuer = {issuer:?}\nkeys = {:?}\ncertificates = [\"{}\"]",
        told.keys,
        "0".repeat(64),
    ))
    .unwrap();
    assert_eq!(short.portal.client.first(), Some(told));
}
