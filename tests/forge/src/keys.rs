//! The keys of a forge: two honest signers', an attacker's, and some that no signer may use.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use std::fmt;

/// Names a key of a [`Keyring`].
pub type KeyId = usize;

/// Who owns a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// The authority that signs.
    Sender,
    /// The dispatcher that seals.
    Dispatcher,
    /// A sound organisation of its own, and nobody else's friend.
    Attacker,
    /// Holds keys of kinds that the profile does not take.
    Odd,
}

/// A hash of a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

enum Secret {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Other,
}

/// A private key with its certificate.
pub struct Key {
    /// Whose it is.
    pub owner: Owner,
    secret: Secret,
    public: Vec<u8>,
    /// DER.
    pub certificate: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {})", self.owner, self.kind())
    }
}

impl Key {
    /// A key with its certificate, from PKCS #8.
    pub fn new(owner: Owner, pkcs8: &[u8], certificate: Vec<u8>) -> Self {
        let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let p384 = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
        let secret = EcdsaKeyPair::from_pkcs8(p256, pkcs8).map(Secret::P256);
        let secret = secret.or_else(|_| EcdsaKeyPair::from_pkcs8(p384, pkcs8).map(Secret::P384));
        let secret = secret.or_else(|_| RsaKeyPair::from_pkcs8(pkcs8).map(Secret::Rsa));
        let secret = secret.unwrap_or(Secret::Other);
        let public = match &secret {
            Secret::P256(pair) | Secret::P384(pair) => pair.public_key().as_ref().to_vec(),
            Secret::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Secret::Other => certificate.clone(),
        };
        Self { owner, secret, public, certificate }
    }

    fn generate(owner: Owner, algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = rcgen::KeyPair::generate_for(algorithm).expect("a key is made");
        Self::certified(owner, &pair)
    }

    fn rsa(owner: Owner, size: rcgen::RsaKeySize) -> Self {
        let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        Self::certified(owner, &pair.expect("a key is made"))
    }

    fn certified(owner: Owner, pair: &rcgen::KeyPair) -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("{owner:?}"));
        let serial_number = rcgen::DnType::CustomDnType(vec![2, 5, 4, 5]);
        let number = match owner {
            Owner::Sender => "162021004748",
            Owner::Dispatcher => "162021003898",
            Owner::Attacker | Owner::Odd => "165560000001",
        };
        params.distinguished_name.push(serial_number, number);
        let certificate = params.self_signed(pair).expect("a certificate is signed");
        Self::new(owner, pair.serialized_der(), certificate.der().to_vec())
    }

    /// `p256`, `p384`, `rsa` or `other`.
    pub fn kind(&self) -> &'static str {
        match &self.secret {
            Secret::P256(_) => "p256",
            Secret::P384(_) => "p384",
            Secret::Rsa(_) => "rsa",
            Secret::Other => "other",
        }
    }

    /// The signature method of XML Signature that goes with the key and, for RSA, a hash.
    pub fn method(&self, hash: Hash) -> &'static str {
        match (&self.secret, hash) {
            (Secret::P256(_), _) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            (Secret::P384(_), _) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            (_, Hash::Sha256) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            (_, Hash::Sha384) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            (_, Hash::Sha512) => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        }
    }

    /// The signature value over some octets; noise where the key is of no kind that signs here.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.secret {
            Secret::P256(pair) | Secret::P384(pair) => {
                pair.sign(&random, message).expect("the key signs").as_ref().to_vec()
            }
            Secret::Rsa(pair) => {
                let padding = match hash {
                    Hash::Sha256 => &signature::RSA_PKCS1_SHA256,
                    Hash::Sha384 => &signature::RSA_PKCS1_SHA384,
                    Hash::Sha512 => &signature::RSA_PKCS1_SHA512,
                };
                let mut value = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut value).expect("the key signs");
                value
            }
            Secret::Other => vec![0x55; 64],
        }
    }
}

/// Every key of a forge.
#[derive(Debug)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// Makes all of them anew: keys are the one thing that does not come from the seed.
    pub fn generate() -> Self {
        use Owner::{Attacker, Dispatcher, Odd, Sender};
        use rcgen::{PKCS_ECDSA_P256_SHA256 as P256, PKCS_ECDSA_P384_SHA384 as P384, RsaKeySize};
        let mut keys = Vec::new();
        for owner in [Sender, Dispatcher, Attacker] {
            keys.push(Key::generate(owner, &P256));
            keys.push(Key::generate(owner, &P256));
            keys.push(Key::generate(owner, &P384));
            keys.push(Key::rsa(owner, RsaKeySize::_2048));
        }
        keys.push(Key::rsa(Sender, RsaKeySize::_3072));
        keys.push(Key::generate(Odd, &rcgen::PKCS_ECDSA_P521_SHA512));
        keys.push(Key::generate(Odd, &rcgen::PKCS_ED25519));
        Self { keys }
    }

    /// The keys of an installation's sender and dispatcher, and an attacker's.
    pub fn of(sender: Key, dispatcher: Key) -> Self {
        let attacker = Key::generate(Owner::Attacker, &rcgen::PKCS_ECDSA_P256_SHA256);
        let odd = Key::generate(Owner::Odd, &rcgen::PKCS_ED25519);
        Self { keys: vec![sender, dispatcher, attacker, odd] }
    }

    /// A key.
    pub fn get(&self, id: KeyId) -> &Key {
        &self.keys[id]
    }

    /// The keys of an owner.
    pub fn of_owner(&self, owner: Owner) -> Vec<KeyId> {
        (0..self.keys.len()).filter(|id| self.keys[*id].owner == owner).collect()
    }

    /// Whether this is one of the certificates, unaltered.
    pub fn has_certificate(&self, certificate: &[u8]) -> bool {
        self.keys.iter().any(|key| key.certificate == certificate)
    }

    /// Which of the keys a certificate is for, be it altered elsewhere: whether the certificate
    /// itself is believed is not the verifier's question.
    pub fn by_certificate(&self, certificate: &[u8]) -> Option<KeyId> {
        let holds = |key: &Key| certificate.windows(key.public.len()).any(|w| w == key.public);
        self.keys.iter().position(holds)
    }
}
