//! How far of the log an index is. Bytes: `docs/formats/log.md`, "Index".

use super::error::OpenError;
use super::segment::StoreId;
use super::walk::Position;
use crate::store::bytes_at::{array_at, u32_at, u64_at};
use mbx_common::audit::tree::Tree;

/// The format of the index: of its tables and of this note, whose first byte it is. One of an older
/// format is made again from the log when the store is opened.
pub(super) const FORMAT: u8 = 3;

/// How far of the log an index has taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Progress {
    pub(super) store: StoreId,
    /// Where the next group goes.
    pub(super) position: Position,
    /// Last unit taken in; 0 = none.
    pub(super) lsn: u64,
    /// The audit tree over all units taken in.
    pub(super) tree: Tree,
}

impl Progress {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.position.segment.to_be_bytes());
        bytes.extend_from_slice(&self.position.offset.to_be_bytes());
        bytes.extend_from_slice(&self.lsn.to_be_bytes());
        bytes.extend_from_slice(&self.tree.to_bytes());
        bytes
    }

    /// Reads what [`Progress::encode`] wrote.
    ///
    /// # Errors
    /// `IndexFormat` for an index of another format, `IndexDamaged` for senseless bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, OpenError> {
        match bytes.first() {
            Some(&FORMAT) => Self::decode_known(bytes).ok_or(OpenError::IndexDamaged(None)),
            Some(&found) => Err(OpenError::IndexFormat { found, known: FORMAT }),
            None => Err(OpenError::IndexDamaged(None)),
        }
    }

    fn decode_known(bytes: &[u8]) -> Option<Self> {
        let position = Position { segment: u32_at(bytes, 17)?, offset: u64_at(bytes, 21)? };
        let tree = Tree::from_bytes(bytes.get(37..)?).ok()?;
        Some(Self { store: array_at(bytes, 1)?, position, lsn: u64_at(bytes, 29)?, tree })
    }
}
