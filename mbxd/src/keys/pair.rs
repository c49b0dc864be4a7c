//! The key pair of one tier of a mailbox: X-Wing (ML-KEM-768 and X25519).

use hpke::kem::{Kem, XWing};
use hpke::rand_core::{Infallible, TryCryptoRng, TryRng};
use hpke::{Deserializable, Serializable};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Public key of one tier of a mailbox: 1,216 bytes as the X-Wing draft writes them.
///
/// Deliveries are sealed to it; the HSM is not needed for that.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey {
    bytes: Box<[u8; PublicKey::LEN]>,
    key: <XWing as Kem>::PublicKey,
}

impl PublicKey {
    /// Length in bytes: ML-KEM-768 encapsulation key (1,184) ‖ X25519 (32).
    pub const LEN: usize = 1216;

    /// Reads a stored key; `None` where it is no X-Wing key (FIPS 203, §7.2: modulus check).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let key = <XWing as Kem>::PublicKey::from_bytes(bytes).ok()?;
        let bytes = Box::new(*<&[u8; Self::LEN]>::try_from(bytes).ok()?);
        Some(Self { bytes, key })
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.bytes
    }

    /// SHA-256 of the stored form.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.as_bytes()).into()
    }

    pub(super) const fn kem(&self) -> &<XWing as Kem>::PublicKey {
        &self.key
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(X-Wing)")
    }
}

/// Private key of one tier of a mailbox. Wiped on drop; no `Debug` of its value.
pub struct PrivateKey(<XWing as Kem>::PrivateKey);

impl PrivateKey {
    /// Length in bytes: the seed from which both parts are expanded.
    pub const LEN: usize = 32;

    /// A fresh one: 32 random bytes, as the X-Wing draft makes key pairs.
    pub fn generate() -> Self {
        let seed = Zeroizing::new(crate::random::bytes::<{ Self::LEN }>());
        // 32 bytes are always a key; the fallback is never reached.
        Self::from_seed(&*seed).unwrap_or_else(|| std::process::abort())
    }

    /// Reads the 32 bytes; `None` for another length.
    pub(super) fn from_seed(seed: &[u8]) -> Option<Self> {
        <XWing as Kem>::PrivateKey::from_bytes(seed).ok().map(Self)
    }

    /// The 32 bytes, for encryption at rest only.
    pub(super) fn seed(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut seed = Zeroizing::new([0; Self::LEN]);
        self.0.write_exact(&mut *seed);
        seed
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        let key = XWing::sk_to_pk(&self.0);
        let mut bytes = Box::new([0; PublicKey::LEN]);
        key.write_exact(&mut *bytes);
        PublicKey { bytes, key }
    }

    pub(super) const fn kem(&self) -> &<XWing as Kem>::PrivateKey {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

/// The operating system's randomness in the form that the `hpke` crate asks for.
pub(super) struct SystemRandom;

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes(crate::random::bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes(crate::random::bytes()))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        crate::random::fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_pair_reads_back() {
        let private = PrivateKey::generate();
        let again = PrivateKey::from_seed(&*private.seed()).unwrap();
        assert!(again.public() == private.public());
        let public = PublicKey::from_bytes(private.public().as_bytes()).unwrap();
        assert_eq!(public.fingerprint(), private.public().fingerprint());
    }

    #[test]
    fn a_key_of_another_length_or_outside_the_field_is_refused() {
        let public = PrivateKey::generate().public();
        assert!(PublicKey::from_bytes(&public.as_bytes()[1..]).is_none());
        let mut outside = *public.as_bytes();
        outside[..2].fill(0xff);
        assert!(PublicKey::from_bytes(&outside).is_none());
        assert!(PrivateKey::from_seed(&[0; 31]).is_none());
    }

    #[test]
    fn a_private_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", PrivateKey::generate()), "PrivateKey(redacted)");
    }
}
