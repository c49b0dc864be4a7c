//! The public halves of the keys that sign checkpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// DER of a `SubjectPublicKeyInfo` for P-256, up to the point itself. Source: RFC 5480.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const TYPE_ED25519: u8 = 1;
const TYPE_ECDSA: u8 = 2;

/// A public key of one of the two kinds that notes are signed with here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublicKey {
    /// 32 bytes (RFC 8032).
    Ed25519([u8; 32]),
    /// Uncompressed point, 65 bytes (SEC 1).
    EcdsaP256([u8; 65]),
}

/// A key that checks notes, with its name: the `vkey` of the signed-note format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifierKey {
    name: String,
    public: PublicKey,
}

/// A text or key that can check no note.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// The name is empty, or holds white space, a plus sign or control characters.
    #[error("a key name is not empty and holds no space and no plus sign")]
    Name,
    /// Not `name+hash+base64`, or of another kind of signature.
    #[error("not a verifier key: expected NAME+HASH+KEY of Ed25519 or ECDSA P-256")]
    Form,
    /// The hash in the text is not that of the key: a character was mistyped.
    #[error("the verifier key's hash does not fit its key: a character was mistyped")]
    Hash,
    /// The bytes are no point of the curve.
    #[error("the verifier key holds no public key")]
    Point,
}

impl VerifierKey {
    /// A key under a name.
    ///
    /// # Errors
    /// [`BadKey`] where the name cannot stand in a note or the bytes are no public key.
    pub fn new(name: impl Into<String>, public: PublicKey) -> Result<Self, BadKey> {
        let name = name.into();
        let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(is_forbidden) {
            return Err(BadKey::Name);
        }
        let is_point = match &public {
            PublicKey::Ed25519(bytes) => ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok(),
            PublicKey::EcdsaP256(point) => ecdsa_key(point).is_some(),
        };
        if is_point { Ok(Self { name, public }) } else { Err(BadKey::Point) }
    }

    /// Its name, as it stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The four bytes that stand before a signature of this key.
    ///
    /// Ed25519: of SHA-256(name ‖ newline ‖ type ‖ key); ECDSA: of SHA-256 of the DER key.
    pub fn id(&self) -> [u8; 4] {
        let digest = match self.public {
            PublicKey::Ed25519(_) => Sha256::new()
                .chain_update(self.name.as_bytes())
                .chain_update(b"\n")
                .chain_update(self.typed())
                .finalize(),
            PublicKey::EcdsaP256(point) => {
                Sha256::new().chain_update(SPKI_P256).chain_update(point).finalize()
            }
        };
        let [a, b, c, d, ..]: [u8; 32] = digest.into();
        [a, b, c, d]
    }

    /// Whether these signature bytes (Ed25519: 64; ECDSA: DER) are this key's over the text.
    pub(super) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            PublicKey::Ed25519(bytes) => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes);
                let signature = ed25519_dalek::Signature::from_slice(signature);
                match (key, signature) {
                    (Ok(key), Ok(signature)) => key.verify_strict(text, &signature).is_ok(),
                    _ => false,
                }
            }
            PublicKey::EcdsaP256(point) => {
                use p256::ecdsa::signature::Verifier as _;
                let signature = p256::ecdsa::Signature::from_der(signature);
                match (ecdsa_key(point), signature) {
                    (Some(key), Ok(signature)) => key.verify(text, &signature).is_ok(),
                    _ => false,
                }
            }
        }
    }

    /// The byte of the signature type and the key as the registry of types encodes it.
    fn typed(&self) -> Vec<u8> {
        match &self.public {
            PublicKey::Ed25519(bytes) => [&[TYPE_ED25519][..], bytes].concat(),
            PublicKey::EcdsaP256(point) => [&[TYPE_ECDSA][..], &SPKI_P256, point].concat(),
        }
    }
}

fn ecdsa_key(point: &[u8; 65]) -> Option<p256::ecdsa::VerifyingKey> {
    p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(self.typed()))
    }
}

impl FromStr for VerifierKey {
    type Err = BadKey;

    /// Reads a `vkey`; whatever is accepted is written back in exactly these bytes.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(BadKey::Form);
        let (name, _, encoded) = (part()?, part()?, part()?);
        let typed = STANDARD.decode(encoded).map_err(|_| BadKey::Form)?;
        let public = match typed.split_first() {
            Some((&TYPE_ED25519, key)) => {
                PublicKey::Ed25519(key.try_into().map_err(|_| BadKey::Form)?)
            }
            Some((&TYPE_ECDSA, key)) => {
                let point = key.strip_prefix(&SPKI_P256).ok_or(BadKey::Form)?;
                PublicKey::EcdsaP256(point.try_into().map_err(|_| BadKey::Form)?)
            }
            _ => return Err(BadKey::Form),
        };
        let key = Self::new(name, public)?;
        if key.to_string() == text { Ok(key) } else { Err(BadKey::Hash) }
    }
}
