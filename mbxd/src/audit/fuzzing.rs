//! Entry points for hostile bytes (`fuzz/`).

use super::row::CheckpointRow;
use crate::store::Row;

/// A checkpoint's row, and what writing it again yields.
pub fn checkpoint_row(bytes: &[u8]) -> Option<Vec<u8>> {
    CheckpointRow::decode(bytes).ok()?.encode().ok().map(|row| row.to_vec())
}
