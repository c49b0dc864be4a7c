//! The tree as one who appends needs it: its size and the roots of its full subtrees.

use super::Hash;
use sha2::{Digest, Sha256};

/// The hash of one leaf: SHA-256(0x00 ‖ entry). Source: RFC 6962 §2.1.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// The hash of one inner node: SHA-256(0x01 ‖ left ‖ right). Source: RFC 6962 §2.1.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root over these leaf hashes. Source: RFC 6962 §2.1 (`MTH`).
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree.root()
}

/// An append-only Merkle tree of which only the frontier is kept: the roots of the full subtrees
/// that its size decomposes into, the largest first, at most 64 hashes.
///
/// Source: RFC 6962 §2.1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

/// Stored bytes that are no frontier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stored frontier of the audit tree is damaged")]
pub struct BadFrontier;

impl Tree {
    /// The tree without leaves.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Takes up a tree from its size and the roots of its full subtrees, the largest first.
    ///
    /// # Errors
    /// [`BadFrontier`] unless there is one hash per bit set in `size`.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Result<Self, BadFrontier> {
        let fits = u32::try_from(peaks.len()).is_ok_and(|count| count == size.count_ones());
        if fits { Ok(Self { size, peaks }) } else { Err(BadFrontier) }
    }

    /// Appends a leaf by its [`leaf_hash`].
    pub fn push(&mut self, leaf: Hash) {
        let mut right = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                right = node_hash(&left, &right);
            }
        }
        self.peaks.push(right);
        self.size = self.size.saturating_add(1);
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root; SHA-256 of nothing for the empty tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Sha256::digest([]).into() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The roots of the full subtrees, the largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The frontier as it is stored: the size (8 bytes), then each hash (32 bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.peaks.iter().flatten());
        bytes
    }

    /// Takes up a stored frontier.
    ///
    /// # Errors
    /// [`BadFrontier`] unless the bytes are exactly what [`Tree::to_bytes`] writes for the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadFrontier> {
        let (size, hashes) = bytes.split_first_chunk::<8>().ok_or(BadFrontier)?;
        let (peaks, rest) = hashes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(BadFrontier);
        }
        Self::from_peaks(u64::from_be_bytes(*size), peaks.to_vec())
    }
}
