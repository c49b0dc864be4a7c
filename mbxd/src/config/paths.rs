//! `[paths]`: where things are on disk.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Folders of the daemon.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// State: index, log, keyring. Mode 0700, owned by the daemon's user.
    /// Default `/var/lib/mbxd`.
    pub state: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self { state: PathBuf::from("/var/lib/mbxd") }
    }
}
