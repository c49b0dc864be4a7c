//! `[scan]`: the malware scanner.

use serde::{Deserialize, Serialize};

/// Whether deliveries are scanned.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scan {
    /// The scanner. No default: the authorities' door stays shut until it is said. With `none`
    /// deliveries are accepted unscanned, and `doctor` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanner: Option<Scanner>,
}

/// Which scanner is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scanner {
    /// None: nothing is scanned.
    None,
}
