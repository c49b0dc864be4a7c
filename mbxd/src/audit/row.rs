//! Checkpoints and verifier keys as they are stored.

use crate::store::Row;
use mbx_common::id::KeyId;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The row of a checkpoint, keyed by the size of the log (8 bytes, big-endian).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct CheckpointRow {
    /// When it was signed.
    pub(super) time: Timestamp,
    /// The key that signed it.
    pub(super) key: KeyId,
    /// The signed note.
    pub(super) note: String,
    /// Stored frontier of the tree at this size (`docs/formats/audit-entry.md`), now and then, so
    /// that following the log need not begin at its start.
    pub(super) frontier: Option<Vec<u8>>,
}

impl Row for CheckpointRow {
    const VERSION: u8 = 1;
}

/// Reads a checkpoint row's key.
pub(super) fn size_of(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// Prefix of the rows of installation facts that hold verifier keys, before the key's id.
pub(super) const KEY_PREFIX: &[u8] = b"audit/key/";

/// Key of the row that holds the verifier key of this signing key, as text.
pub(super) fn verifier_key(id: KeyId) -> Vec<u8> {
    [KEY_PREFIX, id.as_bytes()].concat()
}
