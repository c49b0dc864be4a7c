//! Configured CAs: roots and intermediates.

use super::certificate::{Facts, parse};
use super::pem::{self, PemError};
use crate::config::Fingerprint;
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use webpki::EndEntityCert;

/// A configured CA: root or intermediate.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) der: CertificateDer<'static>,
    /// Content octets of its subject name.
    pub(crate) subject: Vec<u8>,
    /// DER of its `SubjectPublicKeyInfo`.
    pub(crate) key: Vec<u8>,
    pub(crate) may_sign_lists: bool,
    /// Whether a missing or outdated list of it is tolerated.
    pub(crate) tolerated: bool,
    pub(crate) facts: Facts,
    pub(crate) path: PathBuf,
}

impl Issuer {
    /// Reads the CA certificates of a PEM file.
    pub(crate) fn read(path: &Path, tolerated: &[Fingerprint]) -> Result<Vec<Self>, IssuerError> {
        let bad = || IssuerError::Certificate { path: path.to_owned() };
        pem::certificates(path)?
            .into_iter()
            .map(|der| Self::new(der, path, tolerated).ok_or_else(bad))
            .collect()
    }

    fn new(der: CertificateDer<'static>, path: &Path, tolerated: &[Fingerprint]) -> Option<Self> {
        let facts = Facts::of(&der).ok()?;
        let parsed = parse(&der).ok()?;
        if !parsed.is_ca() {
            return None;
        }
        let may_sign_lists = match parsed.key_usage().ok()? {
            Some(usage) => usage.value.crl_sign(),
            None => true,
        };
        let (subject, key) = {
            let certificate = EndEntityCert::try_from(&der).ok()?;
            (certificate.subject().to_vec(), certificate.subject_public_key_info().to_vec())
        };
        Some(Self {
            tolerated: tolerated.contains(&facts.fingerprint),
            subject,
            key,
            may_sign_lists,
            facts,
            path: path.to_owned(),
            der,
        })
    }
}

/// Why a configured CA is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The file cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// One of the certificates is none of a CA.
    #[error("{} holds a certificate that is no CA certificate of version 3", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
    },
}
