//! The bytes of a sealed secret: `docs/formats/sealed-secret.md`.

use super::{CustodyError, KeyPurpose, KeySpec, Sealed};
use mbx_common::id::KeyId;

/// The format that is written. Source: `docs/formats/sealed-secret.md`.
const VERSION: u8 = 1;

/// Length of the part that profiles share, in bytes; it is authenticated by every profile that
/// can.
pub(super) const HEADER_LEN: usize = 19;

/// Length of the initialisation vector of AES-GCM, in bytes (SP 800-38D §5.2.1.1).
pub(super) const IV_LEN: usize = 12;

/// Length of ciphertext and tag of 32 bytes under AES-GCM.
pub(super) const GCM_LEN: usize = 32 + 16;

/// How a secret is sealed. The byte stands in stored formats: never reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Profile {
    /// `CKM_AES_GCM` with our own random initialisation vector.
    AesGcm = 1,
}

/// The first bytes of every sealed secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) profile: Profile,
    /// The byte as it stands there: it may name a purpose of a later release.
    pub(super) purpose: u8,
    pub(super) key: KeyId,
}

/// A sealed secret of profile `aes-gcm`, taken apart.
pub(super) struct GcmBlob<'a> {
    pub(super) header: Header,
    /// The header's own bytes: what is authenticated besides the secret.
    pub(super) aad: &'a [u8; HEADER_LEN],
    pub(super) iv: &'a [u8; IV_LEN],
    pub(super) ciphertext: &'a [u8; GCM_LEN],
}

impl Profile {
    const fn code(self) -> u8 {
        match self {
            Self::AesGcm => 1,
        }
    }
}

impl Header {
    /// The header of a new secret under this key.
    pub(super) const fn new(key: KeySpec) -> Self {
        Self { profile: Profile::AesGcm, purpose: key.purpose.code(), key: key.id }
    }

    /// Its bytes.
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let (start, key) = bytes.split_at_mut(3);
        start.copy_from_slice(&[VERSION, self.profile.code(), self.purpose]);
        key.copy_from_slice(self.key.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Self, CustodyError> {
        let [version, profile, purpose, key @ ..] = *bytes;
        if version != VERSION || profile != Profile::AesGcm.code() {
            return Err(CustodyError::Malformed);
        }
        Ok(Self { profile: Profile::AesGcm, purpose, key: KeyId::from_bytes(key) })
    }
}

/// Puts a sealed secret together.
pub(super) fn encode(header: &[u8; HEADER_LEN], iv: &[u8; IV_LEN], ciphertext: &[u8]) -> Sealed {
    Sealed([header.as_slice(), iv, ciphertext].concat())
}

/// Takes a sealed secret apart.
///
/// # Errors
/// [`CustodyError::Malformed`] where version, profile or length is none that this release knows;
/// [`CustodyError::Tampered`] where it says to be of another purpose than is wanted.
pub(super) fn decode(sealed: &Sealed, wanted: KeyPurpose) -> Result<GcmBlob<'_>, CustodyError> {
    let malformed = CustodyError::Malformed;
    let (aad, rest) = sealed.0.split_first_chunk().ok_or(malformed.clone())?;
    let header = Header::decode(aad)?;
    let (iv, ciphertext) = rest.split_first_chunk().ok_or(malformed.clone())?;
    let ciphertext = ciphertext.try_into().map_err(|_| malformed)?;
    if header.purpose != wanted.code() {
        return Err(CustodyError::Tampered);
    }
    Ok(GcmBlob { header, aad, iv, ciphertext })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn purpose() -> impl Strategy<Value = KeyPurpose> {
        prop::sample::select(KeyPurpose::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn what_is_put_together_comes_apart_again(
            id: [u8; 16], purpose in purpose(), iv: [u8; IV_LEN], body: [u8; 32], tag: [u8; 16],
        ) {
            let key = KeySpec { id: KeyId::from_bytes(id), purpose, version: 1 };
            let header = Header::new(key).encode();
            let ciphertext = [body.as_slice(), &tag].concat();
            let sealed = encode(&header, &iv, &ciphertext);
            prop_assert_eq!(sealed.0.len(), 79);
            let blob = decode(&sealed, purpose).unwrap();
            prop_assert_eq!(blob.header, Header::new(key));
            prop_assert_eq!((blob.aad, blob.iv, &blob.ciphertext[..]), (&header, &iv, &ciphertext[..]));
        }

        #[test]
        fn every_other_length_is_malformed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            if let [version, profile, ..] = bytes.as_mut_slice() {
                (*version, *profile) = (1, 1);
            }
            prop_assume!(bytes.len() != 79);
            let got = decode(&Sealed(bytes), KeyPurpose::Keyring).err();
            prop_assert_eq!(got, Some(CustodyError::Malformed));
        }
    }

    #[test]
    fn an_unknown_version_and_an_unknown_profile_are_malformed() {
        let key =
            KeySpec { id: KeyId::from_bytes([7; 16]), purpose: KeyPurpose::Backup, version: 1 };
        let good = encode(&Header::new(key).encode(), &[1; 12], &[2; 48]);
        for position in [0, 1] {
            let mut bad = good.clone();
            bad.0[position] ^= 0x10;
            let got = decode(&bad, KeyPurpose::Backup).err();
            assert_eq!(got, Some(CustodyError::Malformed), "{position}");
        }
        assert_eq!(decode(&good, KeyPurpose::Keyring).err(), Some(CustodyError::Tampered));
    }
}
