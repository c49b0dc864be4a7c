//! How well something is, as checks and statuses tell it.

use serde::{Deserialize, Serialize};

/// How well something is. The worst of all gives the exit code of `mbxctl status`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Well.
    Ok,
    /// Works, needs attention.
    Attention,
    /// Does not work.
    Wrong,
}

impl Level {
    /// Exit code of a check: 0 well, 2 needs attention, 1 wrong.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Attention => 2,
            Self::Wrong => 1,
        }
    }
}
