//! `GET /v1/version`: who speaks on this socket. Public.

use serde::{Deserialize, Serialize};

/// The daemon and its API.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// `mbxd`.
    pub product: String,
    /// Version of the daemon.
    pub version: String,
    /// Major version of the API.
    pub api_major: u16,
    /// Minor version of the API.
    pub api_minor: u16,
    /// Whether an installation exists: before `mbxctl init` there is none.
    pub initialised: bool,
}
