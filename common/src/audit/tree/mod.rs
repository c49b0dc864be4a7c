//! The Merkle tree over the log's entries, hashed as RFC 6962 section 2.1 says.

mod extension;
mod frontier;
mod proof;

pub use extension::suffix_ranges;
pub use frontier::{BadFrontier, Tree, leaf_hash, node_hash, root_of};
pub use proof::{
    ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};

/// A SHA-256 hash of a leaf, node or whole tree.
pub type Hash = [u8; 32];

#[cfg(test)]
mod tests;
