//! The signer's key and the check of a signature value.

use super::algorithm::SignatureAlgorithm;
use super::error::Cause;
use super::policy::Policy;
use crate::trust::{self, KeyStrength};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::CertificateDer;

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
        let (strength, octets) = trust::public_key(certificate).map_err(|_| Cause::Certificate)?;
        let implementation = match strength {
            KeyStrength::Rsa(bits) => rsa_implementation(bits, algorithm, policy)?,
            // XML signatures write ECDSA values as two numbers of fixed length, not as DER
            // (RFC 6931 §2.3.6).
            KeyStrength::P256 if algorithm == SignatureAlgorithm::EcdsaSha256 => {
                &signature::ECDSA_P256_SHA256_FIXED
            }
            KeyStrength::P384 if algorithm == SignatureAlgorithm::EcdsaSha384 => {
                &signature::ECDSA_P384_SHA384_FIXED
            }
            KeyStrength::P256 | KeyStrength::P384 | KeyStrength::Other => {
                return Err(Cause::KeyKind);
            }
        };
        Ok(Self { octets, implementation })
    }

    /// Whether the value is this key's signature over the message.
    pub(super) fn fits(&self, message: &[u8], value: &[u8]) -> bool {
        UnparsedPublicKey::new(self.implementation, &self.octets).verify(message, value).is_ok()
    }
}

fn rsa_implementation(
    bits: usize,
    algorithm: SignatureAlgorithm,
    policy: Policy,
) -> Result<&'static dyn VerificationAlgorithm, Cause> {
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
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

/// RSA keys below this are not verified whatever the policy says.
const RSA_BITS_FLOOR: u32 = 1024;
