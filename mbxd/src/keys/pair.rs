//! The key pair of one tier of a mailbox: X-Wing (ML-KEM-768 and X25519).

use super::xwing::{self, DecapsulationKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::OnceLock;
use x_wing::{Decapsulator as _, KeyExport as _};
use zeroize::Zeroizing;

/// Public key of one tier of a mailbox: 1,216 bytes as the X-Wing draft writes them.
///
/// Deliveries are sealed to it; the HSM is not needed for that.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey(Box<[u8; PublicKey::LEN]>);

impl PublicKey {
    /// Length in bytes: ML-KEM-768 encapsulation key (1,184) ‖ X25519 (32).
    pub const LEN: usize = xwing::PUBLIC_LEN;

    /// Reads a stored key; `None` where it is no X-Wing key (FIPS 203, §7.2: modulus check).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = <&[u8; Self::LEN]>::try_from(bytes).ok()?;
        xwing::is_public_key(bytes).then(|| Self(Box::new(*bytes)))
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// SHA-256 of the stored form.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.as_bytes()).into()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(X-Wing)")
    }
}

/// Private key of one tier of a mailbox. Wiped on drop; no `Debug` of its value.
pub struct PrivateKey {
    key: x_wing::DecapsulationKey,
    /// The same, expanded when it first opens something: most keys are made and put away.
    expanded: OnceLock<Option<DecapsulationKey>>,
}

impl PrivateKey {
    /// Length in bytes: the seed from which both parts are expanded.
    pub const LEN: usize = xwing::SEED_LEN;

    /// A fresh one: 32 random bytes, as the X-Wing draft makes key pairs.
    pub fn generate() -> Self {
        let seed = Zeroizing::new(crate::random::bytes::<{ Self::LEN }>());
        // 32 bytes are always a key; the fallback is never reached.
        Self::from_seed(&*seed).unwrap_or_else(|| std::process::abort())
    }

    /// Reads the 32 bytes; `None` for another length.
    pub(super) fn from_seed(seed: &[u8]) -> Option<Self> {
        let seed = Zeroizing::new(<[u8; Self::LEN]>::try_from(seed).ok()?);
        Some(Self { key: x_wing::DecapsulationKey::from(*seed), expanded: OnceLock::new() })
    }

    /// The 32 bytes, for encryption at rest only.
    pub(super) fn seed(&self) -> &[u8; Self::LEN] {
        self.key.as_bytes()
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        let mut bytes = Box::new([0; PublicKey::LEN]);
        bytes.copy_from_slice(&self.key.encapsulation_key().to_bytes());
        PublicKey(bytes)
    }

    /// The secret in an encapsulation to its public key; `None` where it is none.
    pub(super) fn decapsulate(&self, enc: &[u8; xwing::ENC_LEN]) -> Option<xwing::Shared> {
        self.expanded
            .get_or_init(|| DecapsulationKey::expand(self.seed()))
            .as_ref()?
            .decapsulate(enc)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_pair_reads_back() {
        let private = PrivateKey::generate();
        let again = PrivateKey::from_seed(&private.seed()[..]).unwrap();
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
