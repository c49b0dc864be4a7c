//! HPKE in base mode, from a KEM's secret to one message (RFC 9180, 5.1 and 5.2) with HKDF-SHA-256
//! and AES-256-GCM. What the secret is agreed on with stands in `xwing.rs`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

/// Length of the tag in bytes.
pub(super) const TAG_LEN: usize = 16;

const NONCE_LEN: usize = 12;
const HASH_LEN: usize = 32;
const VERSION: &[u8] = b"HPKE-v1";
/// KEM X-Wing (0x647a), KDF HKDF-SHA-256 (1), AEAD AES-256-GCM (2).
const SUITE: &[u8; 10] = b"HPKE\x64\x7a\x00\x01\x00\x02";
const MODE_BASE: u8 = 0;

/// What is the same for every message of one purpose: mode and hashes of no PSK and of `info`.
pub(super) struct KeySchedule([u8; 1 + 2 * HASH_LEN]);

impl KeySchedule {
    /// The schedule of a purpose, named by HPKE's `info`.
    pub(super) fn new(info: &[u8]) -> Self {
        let hashes = [extract(b"psk_id_hash", b""), extract(b"info_hash", info)];
        let mut context = [MODE_BASE; 1 + 2 * HASH_LEN];
        for (to, byte) in context.iter_mut().skip(1).zip(hashes.as_flattened()) {
            *to = *byte;
        }
        Self(context)
    }

    /// Encrypts the one message that a secret is for; the tag comes last. `None` where it is too
    /// long for AES-GCM.
    pub(super) fn seal(&self, secret: &[u8; 32], aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let (key, nonce) = self.key(secret)?;
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(TAG_LEN));
        sealed.extend_from_slice(plain);
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).ok()?;
        Some(sealed)
    }

    /// Decrypts it; `None` where anything was altered.
    pub(super) fn open(
        &self,
        secret: &[u8; 32],
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (key, nonce) = self.key(secret)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let len = key.open_in_place(nonce, Aad::from(aad), &mut plain).ok()?.len();
        plain.truncate(len);
        Some(plain)
    }

    /// Key and nonce of the first message. A secret is never used for a second one.
    fn key(&self, secret: &[u8; 32]) -> Option<(LessSafeKey, Nonce)> {
        let mut hkdf = HkdfExtract::<Sha256>::new(Some(secret));
        for part in [VERSION, SUITE, b"secret"] {
            hkdf.input_ikm(part);
        }
        let (mut extracted, hkdf) = hkdf.finalize();
        extracted.as_mut_slice().zeroize();
        let mut key = Zeroizing::new([0; 32]);
        let mut nonce = [0; NONCE_LEN];
        self.expand(&hkdf, b"key", &mut *key)?;
        self.expand(&hkdf, b"base_nonce", &mut nonce)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).ok()?);
        Some((key, Nonce::assume_unique_for_key(nonce)))
    }

    /// `LabeledExpand` with the schedule's context.
    fn expand(&self, hkdf: &Hkdf<Sha256>, label: &[u8], out: &mut [u8]) -> Option<()> {
        let len = u16::try_from(out.len()).ok()?.to_be_bytes();
        hkdf.expand_multi_info(&[&len, VERSION, SUITE, label, &self.0], out).ok()
    }
}

/// `LabeledExtract` without a salt, of what is no secret.
fn extract(label: &[u8], of: &[u8]) -> [u8; HASH_LEN] {
    let mut hkdf = HkdfExtract::<Sha256>::new(None);
    for part in [VERSION, SUITE, label, of] {
        hkdf.input_ikm(part);
    }
    hkdf.finalize().0.into()
}
