//! `GET /v1/config`: the configuration in effect, never a secret.

use serde::{Deserialize, Serialize};

/// The configuration in effect.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigView {
    /// Every key, in the order of `mbxd.toml(5)`.
    pub keys: Vec<ConfigKey>,
    /// The files it was read from, in order; later ones win.
    pub files: Vec<String>,
}

/// One key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ConfigKey {
    /// `section.key`.
    pub key: String,
    /// Its value as TOML writes it.
    pub value: String,
    /// The file that set it; absent: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}
