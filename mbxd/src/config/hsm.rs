//! `[hsm]`: the PKCS#11 token that holds the keys.

use super::value::Span;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which token, and how it is used.
///
/// Source: K5.4 (c), K5.4 (d).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hsm {
    /// The vendor's PKCS#11 module, an absolute path. No default: empty until it is set.
    pub module: PathBuf,
    /// Label of the token. No default.
    pub token_label: String,
    /// Serial number of the token; a token is taken only where both agree. No default.
    pub token_serial: String,
    /// Slot of the token, for modules whose token description cannot be read; label and serial are
    /// then not compared. Slot numbers may change when tokens are added. Not set by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot_id: Option<u64>,
    /// Who gives the PIN. Default `credential`.
    pub unlock: Unlock,
    /// Name of the systemd credential that holds the PIN, for `unlock = "credential"`.
    /// Default `hsm-pin`.
    pub pin_credential: String,
    /// Sessions, each with a thread of its own: 1 to 64. A device one millisecond away gives about
    /// 300 operations a second and session. Default 4.
    pub sessions: Sessions,
    /// For modules that cannot lock: one session, whatever `sessions` says. Default `false`.
    pub serialize: bool,
    /// Whether the module may start threads of its own. Default `true`.
    pub module_threads: bool,
    /// Longest time that one call may take, waiting included. Default `5 s`.
    pub deadline: Span,
    /// How long the token may idle before a known-answer operation keeps it awake: shorter than
    /// what the device and the firewalls on the way to it tolerate. Default `20 s`.
    pub keep_alive: Span,
    /// Refuses tokens that are known to be software. Only `development = true` overrules it.
    /// Default `true`.
    pub require_hsm: bool,
    /// The folder in which a token that is software keeps its keys; it is flushed to disk after
    /// each key is made. Not set by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_token_dir: Option<PathBuf>,
}

/// Who gives the PIN.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlock {
    /// A systemd credential, read at start.
    Credential,
    /// Staff, after each start; until then nothing can be read.
    Operator,
}

/// A number of sessions, 1 to 64.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Sessions(u16);

impl Sessions {
    /// Small devices have 16 sessions, and more threads than 64 gain nothing.
    pub const MAX: u16 = 64;

    const DEFAULT: Self = Self(4);

    /// A number of sessions; `None` out of range.
    pub const fn new(sessions: u16) -> Option<Self> {
        if matches!(sessions, 1..=Self::MAX) { Some(Self(sessions)) } else { None }
    }
}

impl TryFrom<u16> for Sessions {
    type Error = &'static str;

    fn try_from(sessions: u16) -> Result<Self, Self::Error> {
        Self::new(sessions).ok_or("write 1 to 64 sessions")
    }
}

impl From<Sessions> for u16 {
    fn from(sessions: Sessions) -> Self {
        sessions.0
    }
}

impl Hsm {
    /// How many sessions are opened for work.
    pub fn workers(&self) -> usize {
        if self.serialize { 1 } else { self.sessions.0.into() }
    }
}

impl Default for Hsm {
    fn default() -> Self {
        Self {
            module: PathBuf::new(),
            token_label: String::new(),
            token_serial: String::new(),
            slot_id: None,
            unlock: Unlock::Credential,
            pin_credential: "hsm-pin".to_owned(),
            sessions: Sessions::DEFAULT,
            serialize: false,
            module_threads: true,
            deadline: Span::secs(5),
            keep_alive: Span::secs(20),
            require_hsm: true,
            soft_token_dir: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_out_of_range_are_refused() {
        for (text, workers) in [("sessions = 1", Some(1)), ("sessions = 64", Some(64))]
            .into_iter()
            .chain([("sessions = 0", None), ("sessions = 65", None), ("", Some(4))])
        {
            let read = toml::from_str::<Hsm>(text).ok().map(|hsm| hsm.workers());
            assert_eq!(read, workers, "{text}");
        }
        let serial = toml::from_str::<Hsm>("sessions = 8\nserialize = true").unwrap();
        assert_eq!(serial.workers(), 1);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let hsm = Hsm { slot_id: Some(3), unlock: Unlock::Operator, ..Hsm::default() };
        assert_eq!(toml::from_str::<Hsm>(&toml::to_string(&hsm).unwrap()), Ok(hsm));
    }
}
