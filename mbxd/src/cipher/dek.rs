//! The data encryption key of a delivery and the keys of each content under it.

use super::header::Header;
use super::tag::ChunkMac;
use aes::Aes256;
use aes::cipher::KeyInit;
use hkdf::Hkdf;
use mbx_common::id::ContentId;
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Info of the derivation, after the suite byte.
const INFO: &[u8] = b"mbx1 content";

/// Data encryption key of one delivery: 32 random bytes. Wiped on drop.
///
/// Never stored in clear: a message row holds it sealed to the mailbox
/// (`docs/formats/sealed-dek.md`). Source: K5.4.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Dek([u8; Dek::LEN]);

impl Dek {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// A fresh one.
    pub fn generate() -> Self {
        Self(crate::random::bytes())
    }

    /// One that was unsealed.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, for sealing only.
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The keys of one content.
    pub(super) fn content_keys(&self, header: &Header) -> ContentKeys {
        let mut okm = Zeroizing::new([0_u8; 64]);
        let suite = [header.suite()];
        derive(&self.0, header.content_id(), &[&suite, INFO], &mut okm);
        let (encryption, mac) = okm.split_at(32);
        let mut key = Zeroizing::new([0_u8; 32]);
        key.copy_from_slice(encryption);
        ContentKeys { cipher: Aes256::new((&*key).into()), mac: ChunkMac::new(mac, header) }
    }
}

impl ConstantTimeEq for Dek {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Dek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dek(redacted)")
    }
}

/// What encrypts and what authenticates one content.
pub(super) struct ContentKeys {
    pub(super) cipher: Aes256,
    pub(super) mac: ChunkMac,
}

fn derive(key: &[u8], salt: ContentId, info: &[&[u8]], out: &mut [u8; 64]) {
    let (mut extracted, hkdf) = Hkdf::<Sha256>::extract(Some(salt.as_bytes()), key);
    extracted.as_mut_slice().zeroize();
    // Two blocks of SHA-256 are far below the 255 that HKDF can give, so this cannot fail.
    let expanded = hkdf.expand_multi_info(info, out);
    debug_assert!(expanded.is_ok());
    if expanded.is_err() {
        std::process::abort();
    }
}
