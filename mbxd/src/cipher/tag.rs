//! The tag of one chunk.

use super::header::{Header, TAG_LEN};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA-256 that has read the key and the header; each chunk starts from a copy.
pub(super) struct ChunkMac(Hmac<Sha256>);

impl ChunkMac {
    pub(super) fn new(key: &[u8], header: &Header) -> Self {
        // HMAC takes keys of every length; the fallback is never reached.
        let mut mac = Hmac::new_from_slice(key).unwrap_or_else(|_| std::process::abort());
        mac.update(&header.encode());
        Self(mac)
    }

    /// The tag over header ‖ number ‖ last? ‖ length ‖ ciphertext.
    pub(super) fn tag(&self, place: Place, ciphertext: &[u8]) -> [u8; TAG_LEN] {
        self.after(place, ciphertext).finalize().into_bytes().into()
    }

    /// Whether the tag fits, in constant time.
    pub(super) fn verify(&self, place: Place, ciphertext: &[u8], tag: &[u8]) -> bool {
        self.after(place, ciphertext).verify_slice(tag).is_ok()
    }

    fn after(&self, place: Place, ciphertext: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&place.number.to_be_bytes());
        mac.update(&[u8::from(place.last)]);
        mac.update(&u32::try_from(ciphertext.len()).unwrap_or(u32::MAX).to_be_bytes());
        mac.update(ciphertext);
        mac
    }
}

/// Which chunk it is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) last: bool,
}
