//! The revocation lists in force, and their rows.

use super::crl::{Crl, CrlError};
use super::issuer::Issuer;
use crate::config::Fingerprint;
use bytes::Bytes;
use mbx_common::time::Timestamp;
use rustls::pki_types::UnixTime;
use std::sync::Arc;
use std::time::Duration;
use webpki::Error;
use x509_parser::certificate::X509Certificate;

/// Version byte of a row in `Table::Crl`: what follows is the list in DER.
const ROW_VERSION: u8 = 1;

/// What is shown of a revocation list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlState {
    /// The issuer's name as text.
    pub issuer: String,
    /// Its number in hex; empty where it has none.
    pub number: String,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; from then on it is outdated.
    pub next_update: Timestamp,
    /// How many certificates it names.
    pub revoked_count: u64,
    /// SHA-256 of its DER form.
    pub digest: Fingerprint,
}

/// Every list in force: the newest good one per issuer and part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crls(Vec<Arc<Crl>>);

impl Crls {
    /// Whether a certificate of this issuer (name and key) is known not to be revoked.
    ///
    /// Errors are the chain builder's, because it carries them out of its callback.
    pub(crate) fn judge(
        &self,
        certificate: &X509Certificate<'_>,
        serial: &[u8],
        (issuer_name, issuer_key): (&[u8], &[u8]),
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut known = false;
        let mut outdated = None;
        for list in &self.0 {
            if !list.speaks_for(certificate, issuer_name, issuer_key) {
                continue;
            }
            if list.revokes(serial) {
                return Err(Error::CertRevoked);
            }
            if now < list.next_update {
                known = true;
            } else {
                outdated = Some(list.next_update);
            }
        }
        match (known, outdated) {
            (true, _) => Ok(()),
            (false, Some(next_update)) => {
                Err(Error::CrlExpired { time: unix(now), next_update: unix(next_update) })
            }
            (false, None) => Err(Error::UnknownRevocationStatus),
        }
    }

    /// The first moment after `now` at which a list ends; far away where there is none.
    pub(crate) fn next_end(&self, now: Timestamp) -> Timestamp {
        let ends = self.0.iter().map(|list| list.next_update);
        ends.filter(|end| *end > now).min().unwrap_or(now.plus_millis(u64::MAX))
    }

    /// Whether this list is new: `Ok(false)` where the very same one is in force.
    pub(crate) fn is_new(&self, list: &Crl) -> Result<bool, CrlError> {
        let key = list.row_key();
        match self.0.iter().find(|known| known.row_key() == key) {
            Some(known) if known.digest == list.digest => Ok(false),
            Some(known) if !list.is_newer_than(known) => Err(CrlError::Older),
            _ => Ok(true),
        }
    }

    /// The same with this list in the place of its predecessor.
    #[must_use]
    pub(crate) fn with(&self, list: Arc<Crl>) -> Self {
        let key = list.row_key();
        let others = self.0.iter().filter(|known| known.row_key() != key).cloned();
        Self(others.chain([list]).collect())
    }

    /// Whether any list of this issuer is known.
    pub(crate) fn knows(&self, issuer_name: &[u8], issuer_key: &[u8]) -> bool {
        self.0.iter().any(|list| list.is_of(issuer_name, issuer_key))
    }

    /// What is shown of each list.
    pub(crate) fn states(&self) -> Vec<CrlState> {
        self.0
            .iter()
            .map(|list| CrlState {
                issuer: list.issuer.clone(),
                number: list.number_hex(),
                this_update: list.this_update,
                next_update: list.next_update,
                revoked_count: list.revoked_count,
                digest: list.digest,
            })
            .collect()
    }
}

/// The row of a list: version byte, then DER.
pub(crate) fn row(list: &Crl) -> Bytes {
    let mut bytes = Vec::with_capacity(1 + list.der.len());
    bytes.push(ROW_VERSION);
    bytes.extend_from_slice(&list.der);
    bytes.into()
}

/// Reads a row; the signature is checked again, because the issuers may have changed.
pub(crate) fn from_row(row: &[u8], issuers: &[Issuer], now: Timestamp) -> Result<Crl, CrlError> {
    match row {
        [ROW_VERSION, der @ ..] => Crl::read(der, issuers, now),
        _ => Err(CrlError::Form),
    }
}

fn unix(moment: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(moment.as_millis()))
}
