//! `[installation]`: the operator of record.

use serde::{Deserialize, Serialize};

/// Which installation this is: its name is part of the audit log's origin.
///
/// Source: K1.1, K1.5.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Installation {
    /// Name of this installation, one DNS-like word: labels in logs, the audit log's origin
    /// (`<name>/audit`). Default `mbxd`.
    pub name: String,
    /// Country that the machine stands in, ISO 3166-1 alpha-2. Must be in the EU or EEA (K1.5).
    /// Default `SE`.
    pub country: String,
}

impl Installation {
    /// Countries of the European Economic Area. Source: EEA Agreement, K1.5.
    pub const EEA: [&'static str; 30] = [
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
        "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    ];

    /// Whether the machine stands where the service may be delivered from (K1.5).
    pub fn is_in_eea(&self) -> bool {
        Self::EEA.contains(&self.country.as_str())
    }

    /// Whether the name can stand in an audit origin: 1–63 of `a–z`, `0–9`, `.`, `-`.
    pub fn name_is_valid(&self) -> bool {
        (1..=63).contains(&self.name.len())
            && self.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self { name: "mbxd".to_owned(), country: "SE".to_owned() }
    }
}
