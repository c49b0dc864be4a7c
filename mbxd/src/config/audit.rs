//! `[audit]`: how often the audit log is signed and checked.

use super::value::Span;
use serde::{Deserialize, Serialize};

/// How often the audit log is signed and checked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Name of the log in its checkpoints, best a name in a domain of one's own without `https://`:
    /// `brev.example.se/audit`. No space, no `+`. Whoever keeps checkpoints knows the log by it, so
    /// it is never changed. Default empty: the installation's name and `/audit`.
    pub origin: String,
    /// A checkpoint is signed when entries have waited so long. Default `60 s`.
    pub checkpoint_every: Span,
    /// A checkpoint is signed when so many entries have waited. Default 1000.
    pub checkpoint_entries: u32,
    /// How often the whole log is checked against its tree and its checkpoints. Default `1 h`.
    pub check_every: Span,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            origin: String::new(),
            checkpoint_every: Span::secs(60),
            checkpoint_entries: 1000,
            check_every: Span::secs(3600),
        }
    }
}
