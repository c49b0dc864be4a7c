//! Entry points for hostile bytes (`fuzz/`).

use super::row::Sender;
use crate::store::Row as _;

/// A sender's row, and what writing it again yields.
pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    Sender::decode(bytes).ok()?.encode().ok().map(|row| row.to_vec())
}
