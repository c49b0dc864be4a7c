//! The public keys that a portal signs its assertions with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt;
use x509_parser::oid_registry::{
    OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Keys of one portal at most: the present one, the next, and a few of the past.
const KEYS_MAX: usize = 16;
/// An uncompressed point of P-256.
const P256_POINT_LEN: usize = 65;

/// One key, for the one algorithm that it may be used with.
pub(super) struct VerificationKey {
    /// `kid`, where the file names one.
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// A key file that cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum KeyFileError {
    /// Neither a JWKS (RFC 7517) nor PEM.
    #[error("neither a JWKS nor PEM public keys")]
    Form,
    /// A key of a kind that is not taken.
    #[error("a key is neither P-256, Ed25519 nor RSA of at least 2048 bits")]
    Kind,
    /// No key at all, or too many.
    #[error("between 1 and {KEYS_MAX} keys are taken")]
    Count,
}

/// Reads a JWKS or PEM file.
pub(super) fn parse(file: &[u8]) -> Result<Vec<VerificationKey>, KeyFileError> {
    let is_json = file.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let keys = if is_json { jwks(file)? } else { pem(file)? };
    if (1..=KEYS_MAX).contains(&keys.len()) { Ok(keys) } else { Err(KeyFileError::Count) }
}

fn jwks(file: &[u8]) -> Result<Vec<VerificationKey>, KeyFileError> {
    let set: JwkSet = serde_json::from_slice(file).map_err(|_| KeyFileError::Form)?;
    set.keys.iter().filter(|key| signs(key)).map(jwk).collect()
}

/// Keys for encryption may stand in the same set.
fn signs(key: &Jwk) -> bool {
    key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature)
}

fn jwk(key: &Jwk) -> Result<VerificationKey, KeyFileError> {
    let algorithm = algorithm(&key.algorithm).ok_or(KeyFileError::Kind)?;
    let id = key.common.key_id.clone();
    let key = DecodingKey::from_jwk(key).map_err(|_| KeyFileError::Kind)?;
    Ok(VerificationKey { id, algorithm, key })
}

/// The one algorithm that a key may be used with; `None` for a key that is not taken.
fn algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    if matches!(parameters, AlgorithmParameters::RSA(_)) {
        return Some(Algorithm::PS256);
    }
    if let AlgorithmParameters::EllipticCurve(key) = parameters {
        return (key.curve == EllipticCurve::P256).then_some(Algorithm::ES256);
    }
    if let AlgorithmParameters::OctetKeyPair(key) = parameters {
        return (key.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA);
    }
    None
}

fn pem(file: &[u8]) -> Result<Vec<VerificationKey>, KeyFileError> {
    SubjectPublicKeyInfoDer::pem_slice_iter(file)
        .map(|der| spki(&der.map_err(|_| KeyFileError::Form)?))
        .collect()
}

fn spki(der: &[u8]) -> Result<VerificationKey, KeyFileError> {
    let (rest, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyFileError::Form)?;
    if !rest.is_empty() {
        return Err(KeyFileError::Form);
    }
    let kind = &info.algorithm.algorithm;
    let bits = &*info.subject_public_key.data;
    let (algorithm, key) = if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY && bits.len() == P256_POINT_LEN {
        (Algorithm::ES256, DecodingKey::from_ec_der(bits))
    } else if *kind == OID_SIG_ED25519 {
        (Algorithm::EdDSA, DecodingKey::from_ed_der(bits))
    } else if *kind == OID_PKCS1_RSAENCRYPTION {
        (Algorithm::PS256, DecodingKey::from_rsa_der(bits))
    } else {
        return Err(KeyFileError::Kind);
    };
    Ok(VerificationKey { id: None, algorithm, key })
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({:?})", self.algorithm)
    }
}
