//! Rules between values that no type can hold. What a door, the token or a file must have besides
//! is asked of its room.

use super::value::ByteSize;
use super::{Config, ConfigError};

/// Segments that can be configured: small enough to be copied, large enough for a delivery.
const SEGMENT_MIN: ByteSize = ByteSize::mib(1);
const SEGMENT_MAX: ByteSize = ByteSize::mib(4096);

/// Largest group of units that share one sync: one is read back in memory as a whole.
const GROUP_MAX: ByteSize = ByteSize::mib(256);

/// Whether every value may stand as it does.
///
/// # Errors
/// [`ConfigError::Rule`], the first that is broken.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let store = &config.store;
    let rules = [
        (
            config.installation.name_is_valid(),
            "installation.name",
            "write 1 to 63 of the characters a–z, 0–9, dot and hyphen",
        ),
        (
            config.installation.is_in_eea(),
            "installation.country",
            "the service may be run from the EU and EEA only (K1.5)",
        ),
        (
            is_origin(&config.audit.origin),
            "audit.origin",
            "the log's name has no space, no control character and no +",
        ),
        (
            (SEGMENT_MIN..=SEGMENT_MAX).contains(&store.segment_size),
            "store.segment_size",
            "write 1 MiB to 4 GiB",
        ),
        (store.group_bytes <= GROUP_MAX, "store.group_bytes", "write at most 256 MiB"),
        (store.queue_units > 0, "store.queue_units", "at least one unit of work must be let in"),
        (
            store.stop_writes_below <= store.stop_deliveries_below,
            "store.stop_writes_below",
            "deliveries stop before everything else does: not above store.stop_deliveries_below",
        ),
        (
            config.delivery.listen.is_none() || config.delivery.listen != config.portal.listen,
            "portal.listen",
            "the doors need an address each: delivery.listen is the same",
        ),
        (
            config.delivery.listen.is_none() || config.scan.scanner.is_some(),
            "scan.scanner",
            "say how deliveries are scanned for malware; \"none\" accepts them unscanned",
        ),
    ];
    let broken = rules.into_iter().find(|(holds, _, _)| !holds);
    broken.map_or(Ok(()), |(_, key, message)| Err(ConfigError::Rule { key, message }))
}

/// Whether the name can stand in a checkpoint (C2SP signed notes); an empty one is made of the
/// installation's.
fn is_origin(name: &str) -> bool {
    !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> Option<&'static str> {
        match check(&toml::from_str(text).unwrap()) {
            Ok(()) => None,
            Err(ConfigError::Rule { key, .. }) => Some(key),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_defaults_and_values_at_the_edge_are_taken() {
        for text in [
            "",
            "[store]\nsegment_size = \"1 MiB\"",
            "[store]\nsegment_size = \"4 GiB\"",
            "[store]\nstop_deliveries_below = \"1 GiB\"\nstop_writes_below = \"1 GiB\"",
            "[audit]\norigin = \"brev.example.se/audit\"",
            "[portal]\nlisten = \"192.0.2.1:443\"",
            "[delivery]\nlisten = \"192.0.2.1:443\"\n[portal]\nlisten = \"192.0.2.2:443\"\n\
             [scan]\nscanner = \"none\"",
        ] {
            assert_eq!(broken(text), None, "{text}");
        }
    }

    #[test]
    fn a_country_outside_the_eea_is_refused() {
        for (country, key) in [("US", Some("installation.country")), ("NO", None), ("SE", None)] {
            let text = format!("[installation]\ncountry = \"{country}\"");
            assert_eq!(broken(&text), key, "{country}");
        }
    }

    #[test]
    fn each_rule_is_held_by_itself() {
        for (text, key) in [
            ("[installation]\nname = \"Brev 1\"", "installation.name"),
            ("[installation]\ncountry = \"US\"", "installation.country"),
            ("[audit]\norigin = \"brev example\"", "audit.origin"),
            ("[audit]\norigin = \"a+b\"", "audit.origin"),
            ("[store]\nsegment_size = \"1023 KiB\"", "store.segment_size"),
            ("[store]\nsegment_size = \"5 GiB\"", "store.segment_size"),
            ("[store]\ngroup_bytes = \"257 MiB\"", "store.group_bytes"),
            ("[store]\nqueue_units = 0", "store.queue_units"),
            ("[store]\nstop_writes_below = \"3 GiB\"", "store.stop_writes_below"),
            (
                "[delivery]\nlisten = \"192.0.2.1:443\"\n[portal]\nlisten = \"192.0.2.1:443\"",
                "portal.listen",
            ),
            ("[delivery]\nlisten = \"192.0.2.1:443\"", "scan.scanner"),
        ] {
            assert_eq!(broken(text), Some(key), "{text}");
        }
    }
}
