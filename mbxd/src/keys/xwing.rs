//! X-Wing: ML-KEM-768 and X25519 in one. The arithmetic is aws-lc's; what it has no safe interface
//! for, expanding a private key from its seed, is the `ml-kem` crate's, once for each opened key.
//!
//! Source: draft-connolly-cfrg-xwing-kem; FIPS 203; RFC 7748. Bytes: `docs/formats/sealed-dek.md`.

use aws_lc_rs::agreement::{self, UnparsedPublicKey, X25519};
use aws_lc_rs::digest::{self, SHA3_256};
use aws_lc_rs::kem::{self, ML_KEM_768};
use ml_kem::MlKem768;
use shake::{ExtendableOutput as _, Shake256, Update as _, XofReader as _};
use zeroize::Zeroizing;

/// Length of a private key in bytes: the seed.
pub(super) const SEED_LEN: usize = 32;
/// Length of a public key in bytes: ML-KEM-768 encapsulation key, X25519 point.
pub(super) const PUBLIC_LEN: usize = MLKEM_PUBLIC_LEN + POINT_LEN;
/// Length of an encapsulated secret in bytes: ML-KEM-768 ciphertext, ephemeral X25519 point.
pub(super) const ENC_LEN: usize = MLKEM_ENC_LEN + POINT_LEN;

const MLKEM_PUBLIC_LEN: usize = 1184;
const MLKEM_ENC_LEN: usize = 1088;
const POINT_LEN: usize = 32;
/// Bytes of an ML-KEM-768 encapsulation key that are coefficients, two in three bytes.
const COEFFICIENTS_LEN: usize = 1152;
/// Every coefficient is less (FIPS 203, q).
const MODULUS: u16 = 3329;
/// Draft, "Combiner".
const LABEL: &[u8; 6] = br"\.//^\";

/// A secret that both sides know.
pub(super) type Shared = Zeroizing<[u8; 32]>;

/// A private key, expanded, so that decapsulating costs no making of keys. aws-lc wipes its parts
/// when they are freed.
pub(super) struct DecapsulationKey {
    mlkem: kem::DecapsulationKey,
    x25519: agreement::PrivateKey,
    point: [u8; POINT_LEN],
}

impl DecapsulationKey {
    /// Expands a seed; `None` only where aws-lc cannot work.
    pub(super) fn expand(seed: &[u8; SEED_LEN]) -> Option<Self> {
        let mut expanded = Zeroizing::new([0_u8; 96]);
        let mut shake = Shake256::default();
        shake.update(seed);
        shake.finalize_xof().read(&mut *expanded);
        let (mlkem_seed, x25519_seed) = expanded.split_first_chunk::<64>()?;
        let mlkem_seed = Zeroizing::new(ml_kem::Seed::from(*mlkem_seed));
        let mlkem = ml_kem::DecapsulationKey::<MlKem768>::from_seed(*mlkem_seed);
        let x25519 = agreement::PrivateKey::from_private_key(&X25519, x25519_seed).ok()?;
        let point = x25519.compute_public_key().ok()?.as_ref().try_into().ok()?;
        #[expect(deprecated, reason = "aws-lc's safe interface takes no seed")]
        let expanded = Zeroizing::new(ml_kem::ExpandedKeyEncoding::to_expanded_bytes(&mlkem));
        let mlkem = kem::DecapsulationKey::new(&ML_KEM_768, &expanded).ok()?;
        Some(Self { mlkem, x25519, point })
    }

    /// The secret in an encapsulation; `None` where it is none. One that was made for another key
    /// or altered gives another secret.
    pub(super) fn decapsulate(&self, enc: &[u8; ENC_LEN]) -> Option<Shared> {
        let (ciphertext, ephemeral) = enc.split_first_chunk::<MLKEM_ENC_LEN>()?;
        let mlkem = self.mlkem.decapsulate(ciphertext.as_slice().into()).ok()?;
        agree(&self.x25519, ephemeral, |x25519| {
            combine(mlkem.as_ref(), x25519, ephemeral, &self.point)
        })
    }
}

/// Makes a fresh secret and encapsulates it to a public key; `None` where that is none.
pub(super) fn encapsulate(public: &[u8; PUBLIC_LEN]) -> Option<(Box<[u8; ENC_LEN]>, Shared)> {
    let (key, point) = public.split_first_chunk::<MLKEM_PUBLIC_LEN>()?;
    let key = kem::EncapsulationKey::new(&ML_KEM_768, key).ok()?;
    let (ciphertext, mlkem) = key.encapsulate().ok()?;
    let x25519 = agreement::PrivateKey::generate(&X25519).ok()?;
    let ephemeral = x25519.compute_public_key().ok()?;
    let mut enc = Box::new([0; ENC_LEN]);
    let (to, rest) = enc.split_first_chunk_mut::<MLKEM_ENC_LEN>()?;
    *to = ciphertext.as_ref().try_into().ok()?;
    rest.copy_from_slice(ephemeral.as_ref());
    let shared =
        agree(&x25519, point, |x25519| combine(mlkem.as_ref(), x25519, ephemeral.as_ref(), point))?;
    Some((enc, shared))
}

/// Whether bytes are a public key: every coefficient is reduced (FIPS 203, 7.2).
pub(super) fn is_public_key(bytes: &[u8; PUBLIC_LEN]) -> bool {
    let (groups, _) = bytes.split_at(COEFFICIENTS_LEN).0.as_chunks::<3>();
    groups.iter().all(|&[low, middle, high]| {
        let first = u16::from(low) | (u16::from(middle & 15) << 8);
        let second = u16::from(middle >> 4) | (u16::from(high) << 4);
        first < MODULUS && second < MODULUS
    })
}

/// X25519; `None` where the point has a small order, so that nothing is agreed on.
fn agree(
    private: &agreement::PrivateKey,
    point: &[u8],
    secret: impl FnOnce(&[u8]) -> Shared,
) -> Option<Shared> {
    let point = UnparsedPublicKey::new(&X25519, point);
    agreement::agree(private, point, (), |agreed| Ok(secret(agreed))).ok()
}

/// SHA3-256 over both secrets, the ephemeral point, the recipient's point and the label.
fn combine(mlkem: &[u8], x25519: &[u8], ephemeral: &[u8], point: &[u8]) -> Shared {
    let mut hash = digest::Context::new(&SHA3_256);
    for part in [mlkem, x25519, ephemeral, point, LABEL] {
        hash.update(part);
    }
    let mut shared = Zeroizing::new([0; 32]);
    for (to, byte) in shared.iter_mut().zip(hash.finish().as_ref()) {
        *to = *byte;
    }
    shared
}
