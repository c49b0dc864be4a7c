//! What a tree becomes with the leaves that follow it, of which only the hashes of subtrees are known.

use super::Hash;
use super::frontier::{Tree, node_hash};
use super::proof::{ProofError, split};
use std::ops::Range;

/// The spans of leaves whose hashes extend a tree of `first` leaves to one of `size`, in order:
/// the largest subtrees of the later tree that lie wholly after the first `first` leaves.
pub fn suffix_ranges(first: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut span = 0..size;
    while first < span.end {
        if first <= span.start {
            ranges.push(span);
            break;
        }
        let middle = span.start + split(span.end - span.start);
        if first < middle {
            ranges.push(middle..span.end);
            span.end = middle;
        } else {
            span.start = middle;
        }
    }
    ranges.sort_by_key(|range| range.start);
    ranges
}

impl Tree {
    /// The root that the log has at `size` leaves if it goes on from this tree, given the hashes
    /// of the [`suffix_ranges`] of what follows, in their order.
    ///
    /// # Errors
    /// [`ProofError`] where `size` is smaller than this tree or the number of hashes does not fit.
    pub fn root_at(&self, size: u64, suffix: &[Hash]) -> Result<Hash, ProofError> {
        if size == self.size() {
            return if suffix.is_empty() { Ok(self.root()) } else { Err(ProofError::Length) };
        }
        if size < self.size() {
            return Err(ProofError::Size);
        }
        let mut join =
            Join { border: self.size(), peaks: self.peaks().iter(), suffix: suffix.iter() };
        let root = join.node(0, size)?;
        if join.suffix.next().is_some() { Err(ProofError::Length) } else { Ok(root) }
    }
}

/// Folds the two sides of a border inside a tree into its root.
struct Join<'a> {
    border: u64,
    peaks: std::slice::Iter<'a, Hash>,
    suffix: std::slice::Iter<'a, Hash>,
}

impl Join<'_> {
    /// The hash over the leaves `from..until`; at most 64 calls deep, as each halves the span.
    fn node(&mut self, from: u64, until: u64) -> Result<Hash, ProofError> {
        if until <= self.border {
            return self.peaks.next().copied().ok_or(ProofError::Length);
        }
        if from >= self.border {
            return self.suffix.next().copied().ok_or(ProofError::Length);
        }
        let middle = from + split(until - from);
        let left = self.node(from, middle)?;
        let right = self.node(middle, until)?;
        Ok(node_hash(&left, &right))
    }
}
