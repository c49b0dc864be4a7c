//! `GET /v1/config`: the configuration in effect, never a secret.

use serde::{Deserialize, Serialize};

/// The configuration in effect.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigView {
    /// Every key, sorted.
    pub keys: Vec<ConfigKey>,
    /// The files it was read from, in order; later ones win.
    pub files: Vec<String>,
}

/// One key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigKey {
    /// `section.key`.
    pub key: String,
    /// The value in force as TOML writes it; empty: none.
    pub value: String,
    /// File and line that set it, `/etc/mbx/mbxd.toml:12`; absent: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What the next start takes in its place, empty: none; absent: nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_restart: Option<String>,
}
