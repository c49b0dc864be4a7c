//! Lengths in memory as numbers that are stored and compared.

/// A length as 64 bits: no machine has longer ones.
pub fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
