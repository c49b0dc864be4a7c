//! Entry points for hostile bytes (`fuzz/`).

use super::row::{OperatorRow, SessionRow};
use crate::store::Row;

/// A row of a member of staff or of a session, and what writing it again yields.
pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    let operator = OperatorRow::decode(bytes).ok().and_then(|row| row.encode().ok());
    let row = operator.or_else(|| SessionRow::decode(bytes).ok()?.encode().ok());
    row.map(|row| row.to_vec())
}
