//! Small secrets at rest: encrypt-then-MAC under a key that is used once.
//!
//! One routine for mailbox private keys, keyring records, register records and side records:
//! AES-256-CTR and HMAC-SHA-256, keys by HKDF-SHA-256. The salt or the input keys are fresh for
//! each blob, so that a key encrypts once and the counter can start at zero.

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use hkdf::{Hkdf, HkdfExtract};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// Length of the tag in bytes.
pub(super) const TAG_LEN: usize = 32;
/// Length of a salt in bytes.
pub(super) const SALT_LEN: usize = 32;

/// The key of one blob.
pub(super) struct SmallKey(Zeroizing<[u8; 64]>);

impl SmallKey {
    /// HKDF over the parts of the input key in order, one salt, the parts of the info in order.
    pub(super) fn derive(keys: &[&[u8]], salt: &[u8], info: &[&[u8]]) -> Self {
        Self(derive(keys, salt, info))
    }

    /// Encrypts: ciphertext ‖ tag. The tag covers `covered` in order, then the ciphertext; the
    /// covered parts must have fixed lengths.
    pub(super) fn seal(self, covered: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len().saturating_add(TAG_LEN));
        sealed.extend_from_slice(plain);
        self.apply_keystream(&mut sealed);
        let tag = self.mac(covered, &sealed).finalize().into_bytes();
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// Decrypts what [`SmallKey::seal`] gave; `None` where the tag does not fit.
    pub(super) fn open(self, covered: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let plain_len = sealed.len().checked_sub(TAG_LEN)?;
        let (ciphertext, tag) = sealed.split_at_checked(plain_len)?;
        self.mac(covered, ciphertext).verify_slice(tag).ok()?;
        let mut plain = Zeroizing::new(ciphertext.to_vec());
        self.apply_keystream(&mut plain);
        Some(plain)
    }

    fn apply_keystream(&self, bytes: &mut [u8]) {
        let (key, _) = halves(&self.0);
        Ctr128BE::<Aes256>::new(key.into(), &[0; 16].into()).apply_keystream(bytes);
    }

    fn mac(&self, covered: &[&[u8]], ciphertext: &[u8]) -> Hmac<Sha256> {
        let (_, key) = halves(&self.0);
        let mut mac = keyed(key);
        for part in covered {
            mac.update(part);
        }
        mac.update(ciphertext);
        mac
    }
}

/// HKDF-SHA-256 (RFC 5869): `N` bytes from the parts of a key, a salt and the parts of the info.
///
/// `N` is at most 8,160, which every caller's constant is far below.
pub(super) fn derive<const N: usize>(
    keys: &[&[u8]],
    salt: &[u8],
    info: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in keys {
        extract.input_ikm(part);
    }
    let (mut extracted, hkdf): (_, Hkdf<Sha256>) = extract.finalize();
    extracted.as_mut_slice().zeroize();
    let mut bytes = Zeroizing::new([0; N]);
    if hkdf.expand_multi_info(info, &mut *bytes).is_err() {
        std::process::abort();
    }
    bytes
}

/// HMAC-SHA-256 that has read the key.
pub(super) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length; the fallback is never reached.
    Hmac::new_from_slice(key).unwrap_or_else(|_| std::process::abort())
}

fn halves(bytes: &[u8; 64]) -> (&[u8; 32], &[u8; 32]) {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => (first, last),
        _ => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(salt: &[u8]) -> SmallKey {
        SmallKey::derive(&[b"first", b"second"], salt, &[b"purpose"])
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(plain: Vec<u8>, salt: [u8; 32], covered: [u8; 7]) {
            let sealed = key(&salt).seal(&[&covered], &plain);
            prop_assert_eq!(sealed.len(), plain.len() + TAG_LEN);
            let opened = key(&salt).open(&[&covered], &sealed);
            prop_assert_eq!(opened.map(|plain| plain.to_vec()), Some(plain));
        }

        #[test]
        fn a_flipped_bit_or_a_cut_is_refused(plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
            let mut sealed = key(b"salt").seal(&[b"covered"], &plain);
            prop_assert!(key(b"salt").open(&[b"covered"], &sealed[..at.index(sealed.len())]).is_none());
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key(b"salt").open(&[b"covered"], &sealed).is_none());
        }
    }

    #[test]
    fn another_salt_info_key_or_covered_part_opens_nothing() {
        let sealed = key(b"salt").seal(&[b"covered"], b"secret");
        let info = SmallKey::derive(&[b"first", b"second"], b"salt", &[b"other"]);
        let first = SmallKey::derive(&[b"other", b"second"], b"salt", &[b"purpose"]);
        let second = SmallKey::derive(&[b"first", b"other"], b"salt", &[b"purpose"]);
        assert!(key(b"other").open(&[b"covered"], &sealed).is_none());
        assert!(info.open(&[b"covered"], &sealed).is_none());
        assert!(first.open(&[b"covered"], &sealed).is_none());
        assert!(second.open(&[b"covered"], &sealed).is_none());
        assert!(key(b"salt").open(&[b"altered"], &sealed).is_none());
        assert!(key(b"salt").open(&[b"covered"], &sealed).is_some());
    }
}
