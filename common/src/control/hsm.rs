//! `/v1/hsm`: the token's state, its unlocking, its compatibility sheet.

use super::session::Password;
use serde::{Deserialize, Serialize};

/// The state of the token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HsmState {
    /// The canary opens.
    Ready,
    /// No PIN was given yet.
    Locked,
    /// The PIN was refused and is not tried again.
    PinRejected,
    /// The token locked the PIN.
    PinLocked,
    /// It does not answer; it is opened again by itself.
    Down,
    /// A key has attributes it must not have.
    PolicyViolated,
}

/// `GET /v1/hsm`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct HsmStatus {
    /// The state.
    pub state: HsmState,
    /// Label of the token.
    pub token: String,
    /// Its serial number.
    pub serial: String,
    /// Maker and model, as the token tells.
    pub model: String,
    /// How often it was opened since the start.
    pub epoch: u64,
    /// How long the state has lasted, in seconds.
    pub since_s: u64,
    /// When the next attempt is due, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_s: Option<u64>,
    /// Calls that wait.
    pub queue_len: u64,
    /// Workers that do not come back from the token.
    pub workers_lost: u64,
    /// Secrets opened since the start, by purpose of the key.
    pub opened: Vec<Opened>,
    /// What led to a state that is not `ready`, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Labels of keys that the token does not hold exactly once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// How many secrets were opened under keys of one purpose.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Opened {
    /// The purpose.
    pub purpose: String,
    /// How many.
    pub count: u64,
}

/// `POST /v1/hsm/login`: gives the token its PIN. It is tried once.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PinRequest {
    /// The PIN.
    pub pin: Password,
}

/// `POST /v1/hsm/test`: the compatibility sheet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TestSheet {
    /// Label, maker and model of the token.
    pub token: String,
    /// Whether every check that the configured profile needs went well.
    pub usable: bool,
    /// What was tried.
    pub checks: Vec<Check>,
}

/// One thing that was tried.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether the configured profile needs it.
    pub needed: bool,
    /// How it went.
    pub level: super::Level,
    /// What the token said.
    pub detail: String,
    /// Operations a second, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_s: Option<u64>,
}
