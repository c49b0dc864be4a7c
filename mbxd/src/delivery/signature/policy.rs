//! What is tolerated beyond the profile.

/// Which keys and digests are taken.
///
/// The default is the profile: RSA from 2,048 bits, ECDSA on P-256 and P-384, SHA-256 and longer.
/// Everything else is an exception that staff grant to one sender until a day, which the caller
/// looks up, logs and counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// Whether SHA-1 may be used, in the digest and in the signature.
    pub sha1_allowed: bool,
    /// The shortest RSA modulus in bits; never below 1,024 whatever stands here.
    pub rsa_bits_min: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { sha1_allowed: false, rsa_bits_min: 2048 }
    }
}
