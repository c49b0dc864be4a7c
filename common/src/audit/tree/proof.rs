//! Proofs that an entry is in the tree, and that a later tree begins with an earlier one.

use super::Hash;
use super::frontier::{node_hash, root_of};

/// Why a proof does not prove what it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The position is not in the tree, or the later tree is the smaller one.
    #[error("the proof is for another size of the log")]
    Size,
    /// Too few or too many hashes.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

impl ProofError {
    /// Whose move it is.
    pub const fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Size | Self::Length | Self::Root => crate::error::Kind::Corrupt,
        }
    }
}

/// The largest power of two smaller than `count`, which is at least 2.
pub(super) const fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The hashes that lead from a leaf to the root over `leaves`, the lowest first; `None` where no
/// leaf has this index.
///
/// Source: RFC 6962 §2.1.1 (`PATH`).
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut rest, mut index) = (leaves, index);
    let mut path = Vec::new();
    while rest.len() > 1 {
        let middle = usize::try_from(split(u64::try_from(rest.len()).ok()?)).ok()?;
        let (left, right) = rest.split_at_checked(middle)?;
        if index < middle {
            path.push(root_of(right));
            rest = left;
        } else {
            path.push(root_of(left));
            rest = right;
            index -= middle;
        }
    }
    path.reverse();
    Some(path)
}

/// The hashes that prove the tree over `leaves` to begin with the tree over its first `first`
/// leaves; `None` where there are fewer. Empty for 0 and for all.
///
/// Source: RFC 6962 §2.1.2 (`PROOF`).
pub fn consistency_proof(leaves: &[Hash], first: usize) -> Option<Vec<Hash>> {
    if first > leaves.len() {
        return None;
    }
    if first == 0 || first == leaves.len() {
        return Some(Vec::new());
    }
    let (mut rest, mut first, mut is_known) = (leaves, first, true);
    let mut path = Vec::new();
    while first < rest.len() {
        let middle = usize::try_from(split(u64::try_from(rest.len()).ok()?)).ok()?;
        let (left, right) = rest.split_at_checked(middle)?;
        if first <= middle {
            path.push(root_of(right));
            rest = left;
        } else {
            path.push(root_of(left));
            rest = right;
            first -= middle;
            is_known = false;
        }
    }
    if !is_known {
        path.push(root_of(rest));
    }
    path.reverse();
    Some(path)
}

/// Checks that the leaf with this hash and index is in the tree of this size and root.
///
/// # Errors
/// [`ProofError`] where it is not proved. Source: RFC 9162 §2.1.3.2.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Size);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for other in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(other, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, other);
        }
        place >>= 1;
        last >>= 1;
    }
    match (last == 0, hash == *root) {
        (false, _) => Err(ProofError::Length),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}

/// Checks that the tree `second` (size, root) begins with the tree `first`.
///
/// # Errors
/// [`ProofError`] where it is not proved. Source: RFC 9162 §2.1.4.2.
pub fn verify_consistency(
    first: (u64, &Hash),
    second: (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let ((first, first_root), (second, second_root)) = (first, second);
    if first > second {
        return Err(ProofError::Size);
    }
    if first == 0 || first == second {
        let same = first == 0 || first_root == second_root;
        return match (proof.is_empty(), same) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    let (start, rest) = if first.is_power_of_two() {
        (first_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::Length)?
    };
    let trailing = (first - 1).trailing_ones();
    let (mut place, mut last) = ((first - 1) >> trailing, (second - 1) >> trailing);
    let (mut early, mut late) = (*start, *start);
    for other in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            early = node_hash(other, &early);
            late = node_hash(other, &late);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            late = node_hash(&late, other);
        }
        place >>= 1;
        last >>= 1;
    }
    match (last == 0, early == *first_root && late == *second_root) {
        (false, _) => Err(ProofError::Length),
        (true, false) => Err(ProofError::Root),
        (true, true) => Ok(()),
    }
}
