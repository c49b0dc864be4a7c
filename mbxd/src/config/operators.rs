//! `[operators]`: sessions and passwords of staff.

use super::value::{ByteSize, Span};
use serde::{Deserialize, Serialize};

/// Sessions and passwords of staff (K4.5, K4.7).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operators {
    /// A session ends after so long without a command. Default `15 min`.
    pub session_idle: Span,
    /// A session ends so long after the login, whatever is done in it. Default `10 h`.
    pub session_longest: Span,
    /// Sessions that one person may have at a time; a further login ends the oldest. Default 8.
    pub sessions_per_person: u16,
    /// A password must be changed after so long. Default `365 d`.
    pub password_age: Span,
    /// So many earlier passwords cannot be taken again. Default 5.
    pub password_history: u16,
    /// Memory that one password check takes (Argon2id); two may run at a time. Passwords that are
    /// stored keep the cost that they were stored with. Default `64 MiB`; 64 KiB to 4 GiB.
    pub password_memory: ByteSize,
    /// Passes over that memory, 1 to 1000. Default 3.
    pub password_passes: u16,
}

impl Default for Operators {
    fn default() -> Self {
        Self {
            session_idle: Span::secs(900),
            session_longest: Span::secs(36_000),
            sessions_per_person: 8,
            password_age: Span::secs(365 * 86_400),
            password_history: 5,
            password_memory: ByteSize::mib(64),
            password_passes: 3,
        }
    }
}
