//! `[terms]`: what holders agree to.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The terms in force. Registering needs them (K6.2).
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Name of the version, 1–32 characters: `2026-05`. Default: none, and no one can be
    /// registered.
    pub version: Option<String>,
    /// The text that holders are shown; its SHA-256 stands in every registration.
    /// Default: none.
    pub file: Option<PathBuf>,
}
