//! `/v1/keys`: the keys in the token, and what hangs on them. No key material but the lookup
//! secret, which a security officer may ask for.

use super::session::Password;
use crate::id::KeyId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a key in the token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// New secrets are sealed under it.
    Active,
    /// Opens old secrets only.
    Retired,
    /// Destroyed.
    Destroyed,
}

/// A key in the token.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Key {
    /// Its `CKA_ID`.
    pub id: KeyId,
    /// Purpose: `kek-basic`, `kek-high`, `kek-register`, `keyring`, `backup`, `sign`.
    pub purpose: String,
    /// Version or generation, from 1.
    pub version: u32,
    /// Its algorithm: `AES-256`, `Ed25519`, `ECDSA P-256`.
    pub algorithm: String,
    /// Its state.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// Mailboxes under it; absent where it is for something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailboxes: Option<u64>,
    /// What its loss would mean, in one sentence.
    pub loss: String,
}

/// `GET /v1/keys/status`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyStatus {
    /// The keys in use or kept, newest version first within a purpose.
    pub keys: Vec<Key>,
    /// Whether the root secrets are open.
    pub open: bool,
    /// Opened mailbox keys in the cache.
    pub cached: u64,
    /// Records in the keyring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring_records: Option<u64>,
}

/// `POST /v1/keys/lookup-credential`: the lookup secret. With it, the daemon takes deliveries while
/// the token is locked; whoever has it can tell from the store who has a mailbox.
#[derive(Debug, Deserialize, Serialize)]
pub struct LookupCredential {
    /// 64 hexadecimal digits.
    pub secret: Password,
}
