//! The signer's key and the check of a signature value.

use super::algorithm::SignatureAlgorithm;
use super::error::Cause;
use super::policy::Policy;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Checks a signature value with the key of a certificate.
///
/// The certificate is taken for its key alone; trust in it is another room's question.
pub(super) struct SignerKey {
    octets: Vec<u8>,
    implementation: &'static dyn VerificationAlgorithm,
}

impl SignerKey {
    /// Reads the key and checks that its kind and size are allowed for the algorithm.
    pub(super) fn read(
        certificate: &CertificateDer<'_>,
        algorithm: SignatureAlgorithm,
        policy: Policy,
    ) -> Result<Self, Cause> {
        let (rest, parsed) =
            X509Certificate::from_der(certificate).map_err(|_| Cause::Certificate)?;
        if !rest.is_empty() {
            return Err(Cause::Certificate);
        }
        let spki = parsed.public_key();
        let octets = spki.subject_public_key.data.to_vec();
        let implementation = match spki.parsed().map_err(|_| Cause::Certificate)? {
            PublicKey::RSA(rsa) => rsa_implementation(bits(rsa.modulus), algorithm, policy)?,
            PublicKey::EC(_) => {
                let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
                let curve = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
                ec_implementation(&curve, algorithm)?
            }
            PublicKey::DSA(_)
            | PublicKey::GostR3410(_)
            | PublicKey::GostR3410_2012(_)
            | PublicKey::Unknown(_) => return Err(Cause::KeyKind),
        };
        Ok(Self { octets, implementation })
    }

    /// Whether the value is this key's signature over the message.
    pub(super) fn fits(&self, message: &[u8], value: &[u8]) -> bool {
        UnparsedPublicKey::new(self.implementation, &self.octets).verify(message, value).is_ok()
    }
}

fn rsa_implementation(
    bits: u32,
    algorithm: SignatureAlgorithm,
    policy: Policy,
) -> Result<&'static dyn VerificationAlgorithm, Cause> {
    let min = policy.rsa_bits_min.max(RSA_BITS_FLOOR);
    if bits < min {
        return Err(Cause::KeyShort { bits, min });
    }
    let short = bits < 2048;
    Ok(match algorithm {
        SignatureAlgorithm::RsaSha1 => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        SignatureAlgorithm::RsaSha256 if short => {
            &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        SignatureAlgorithm::RsaSha512 if short => {
            &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        SignatureAlgorithm::RsaSha384 if short => return Err(Cause::KeyShort { bits, min: 2048 }),
        SignatureAlgorithm::RsaSha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::RsaSha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureAlgorithm::RsaSha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        SignatureAlgorithm::EcdsaSha256 | SignatureAlgorithm::EcdsaSha384 => {
            return Err(Cause::KeyKind);
        }
    })
}

/// XML signatures write ECDSA values as two numbers of fixed length, not as DER (RFC 6931 §2.3.6).
fn ec_implementation(
    curve: &str,
    algorithm: SignatureAlgorithm,
) -> Result<&'static dyn VerificationAlgorithm, Cause> {
    match (curve, algorithm) {
        (P256, SignatureAlgorithm::EcdsaSha256) => Ok(&signature::ECDSA_P256_SHA256_FIXED),
        (P384, SignatureAlgorithm::EcdsaSha384) => Ok(&signature::ECDSA_P384_SHA384_FIXED),
        _ => Err(Cause::KeyKind),
    }
}

/// Bits of a number written big-endian.
fn bits(number: &[u8]) -> u32 {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(first..).unwrap_or_default();
    let zeros = digits.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(digits.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(zeros)
}

/// RSA keys below this are not verified whatever the policy says.
const RSA_BITS_FLOOR: u32 = 1024;

const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
