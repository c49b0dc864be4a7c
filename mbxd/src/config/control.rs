//! `[control]`: the socket that mbxctl uses.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The control socket.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// Path of the Unix socket, made with mode 0660 and the group `mbxadm`.
    /// Default `/run/mbxd/control.sock`.
    pub socket: PathBuf,
}

impl Default for Control {
    fn default() -> Self {
        Self { socket: PathBuf::from("/run/mbxd/control.sock") }
    }
}
