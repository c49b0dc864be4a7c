//! `[keys]`: how long opened keys are kept, and what may deliver while the token is locked.

use super::value::Span;
use serde::{Deserialize, Serialize};

/// The cache of opened mailbox keys, and the credential of the lookup secret.
///
/// Source: K5.4 (d).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// Opened mailbox keys kept at most; the one unused for longest goes first. Each takes about
    /// 6 KiB, with the last few message keys that it opened. 0 keeps none. Default 10,000.
    pub cache_keys_max: u32,
    /// Unused for so long, an opened key is dropped. Default `5 min`.
    pub cache_idle: Span,
    /// However much it is used, an opened key is dropped after so long: as long as reading can go
    /// on while the token is away. Default `15 min`.
    pub cache_absolute: Span,
    /// Name of the systemd credential that holds the lookup secret. With it, deliveries are
    /// accepted while the token is locked; whoever can read it can tell from the disk who has a
    /// mailbox. Encrypt it to the machine's TPM. Not set by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookup_credential: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            cache_keys_max: 10_000,
            cache_idle: Span::secs(5 * 60),
            cache_absolute: Span::secs(15 * 60),
            lookup_credential: None,
        }
    }
}
