//! Facts of one certificate.

use super::organisation::organisation;
use crate::config::Fingerprint;
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Largest certificate that is looked at, in bytes. Source: delivery policy (24 KiB each).
pub(crate) const CERTIFICATE_LEN_MAX: usize = 24 * 1024;

/// A certificate that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not DER of an X.509 certificate, or something follows it.
    #[error("not an X.509 certificate")]
    Form,
    /// Longer than 24 KiB.
    #[error("the certificate is too long")]
    TooLong,
    /// A moment of its validity lies before 1970 or past 9999.
    #[error("the certificate's validity cannot be represented")]
    Validity,
}

/// What kind of key a certificate holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyStrength {
    /// RSA with a modulus of so many bits.
    Rsa(usize),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Anything else: not accepted.
    Other,
}

/// What is shown of a certificate and checked beside its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The subject's name as text, for people only.
    pub subject: String,
    /// The issuer's name as text, for people only.
    pub issuer: String,
    /// Serial number in hex.
    pub serial: String,
    /// The organisation in the subject, where there is exactly one.
    pub organisation: Option<OrganisationNumber>,
    /// First moment of its validity.
    pub not_before: Timestamp,
    /// Last moment of its validity.
    pub not_after: Timestamp,
    /// SHA-256 of its DER form.
    pub fingerprint: Fingerprint,
    /// Its key.
    pub key: KeyStrength,
}

impl Facts {
    /// Reads the facts of a certificate in DER.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn of(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex(certificate.raw_serial()),
            organisation: organisation(&certificate).ok(),
            not_before: moment(validity.not_before.timestamp())?,
            not_after: moment(validity.not_after.timestamp())?,
            fingerprint: fingerprint(der),
            key: strength(certificate.public_key()),
        })
    }
}

/// The public key of a certificate in DER: what kind it is, and its octets (`subjectPublicKey`).
///
/// # Errors
/// [`CertificateError`].
pub fn public_key(der: &[u8]) -> Result<(KeyStrength, Vec<u8>), CertificateError> {
    let certificate = parse(der)?;
    let key = certificate.public_key();
    Ok((strength(key), key.subject_public_key.data.to_vec()))
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(digit).collect()
}

/// SHA-256 of a certificate's DER form.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(der).into())
}

/// Reads a certificate that must fill the input.
pub(crate) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    if der.len() > CERTIFICATE_LEN_MAX {
        return Err(CertificateError::TooLong);
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CertificateError::Form),
    }
}

/// The kind and size of a key.
pub(crate) fn strength(key: &SubjectPublicKeyInfo<'_>) -> KeyStrength {
    if key.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
        return match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => KeyStrength::Rsa(bits(rsa.modulus)),
            _ => KeyStrength::Other,
        };
    }
    if key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        return match curve {
            Some(curve) if curve == OID_EC_P256 => KeyStrength::P256,
            Some(curve) if curve == OID_NIST_EC_P384 => KeyStrength::P384,
            _ => KeyStrength::Other,
        };
    }
    KeyStrength::Other
}

/// Significant bits of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let mut digits = number.iter().skip_while(|&&byte| byte == 0);
    let Some(first) = digits.next() else { return 0 };
    let leading = usize::try_from(first.leading_zeros()).unwrap_or(8);
    (8 - leading) + 8 * digits.count()
}

/// Seconds since 1970 as a moment.
pub(crate) fn moment(secs: i64) -> Result<Timestamp, CertificateError> {
    u64::try_from(secs)
        .ok()
        .and_then(|secs| secs.checked_mul(1000))
        .and_then(|ms| Timestamp::from_millis(ms).ok())
        .ok_or(CertificateError::Validity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_do_not_lengthen_a_key() {
        assert_eq!(bits(&[0, 0x80, 0, 0]), 24);
        assert_eq!(bits(&[1, 0]), 9);
        assert_eq!(bits(&[0, 0]), 0);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!(Facts::of(b"").unwrap_err(), CertificateError::Form);
        assert_eq!(Facts::of(&[0x30; 64]).unwrap_err(), CertificateError::Form);
        let long = vec![0; CERTIFICATE_LEN_MAX + 1];
        assert_eq!(Facts::of(&long).unwrap_err(), CertificateError::TooLong);
    }
}
