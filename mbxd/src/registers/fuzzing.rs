//! Entry points for hostile bytes (`fuzz/`).

use super::row::Sender;

/// A sender's row, and what writing it again yields.
pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    Sender::from_row(bytes)?.to_row()
}
