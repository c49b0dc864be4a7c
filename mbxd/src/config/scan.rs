//! `[scan]`: the malware scanner.

use serde::{Deserialize, Serialize};

/// Whether deliveries are scanned, and what happens when the scanner is away.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// The scanner. Default `none`: nothing is scanned, and `doctor` says so.
    pub scanner: Scanner,
    /// What happens to a delivery while the scanner does not answer. Default `refuse`.
    pub when_away: WhenAway,
}

/// Which scanner is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scanner {
    /// None.
    #[default]
    None,
}

/// What happens to a delivery while the scanner does not answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenAway {
    /// The sender is told to come back.
    #[default]
    Refuse,
    /// It is accepted into quarantine.
    Quarantine,
}
