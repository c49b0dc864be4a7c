//! Entry points for hostile bytes (`fuzz/`): reads as the room does and, where the bytes are taken,
//! gives what writing them again yields.

use super::custody::{KeyPurpose, Sealed};
use super::sealed;

/// A sealed secret, read for each purpose.
pub fn sealed_secret(bytes: &[u8]) -> Option<Vec<u8>> {
    let stored = Sealed(bytes.to_vec());
    KeyPurpose::ALL.into_iter().find_map(|purpose| {
        let blob = sealed::decode(&stored, purpose).ok()?;
        Some(sealed::encode(&blob.header.encode(), blob.iv, blob.ciphertext).0)
    })
}
