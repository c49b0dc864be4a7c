//! One certificate revocation list: read, signature-checked, with what it speaks for.

use super::certificate::{hex, moment};
use super::issuer::Issuer;
use crate::config::Fingerprint;
use mbx_common::time::Timestamp;
use sha2::{Digest, Sha256};
use webpki::{CertRevocationList, EndEntityCert, OwnedCertRevocationList};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// Why a revocation list is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// Not a version 2 list in DER, or of a kind that is not used: delta, indirect, by reason.
    #[error("not a complete X.509 revocation list of version 2")]
    Form,
    /// No configured root or intermediate has the name that issued it.
    #[error("its issuer is no configured root or intermediate")]
    UnknownIssuer,
    /// The issuer's key did not make its signature, or may not sign lists.
    #[error("its signature is not its issuer's")]
    Forged,
    /// It has no `nextUpdate`.
    #[error("it does not say when the next one is due")]
    NoNextUpdate,
    /// Its `thisUpdate` lies in the future.
    #[error("it is dated in the future")]
    NotYetValid,
    /// A newer one of the same issuer is known.
    #[error("a newer list of the same issuer is known")]
    Older,
}

/// A revocation list whose signature was checked against the key of a configured issuer.
pub(crate) struct Crl {
    list: CertRevocationList<'static>,
    /// Key of the issuer that signed it (DER of its `SubjectPublicKeyInfo`).
    issuer_key: Vec<u8>,
    scope: Scope,
    /// The issuer's name as text, for people only.
    pub(crate) issuer: String,
    pub(crate) this_update: Timestamp,
    pub(crate) next_update: Timestamp,
    pub(crate) revoked_count: u64,
    /// `crlNumber`: length, then big-endian octets, so that it can be compared.
    number: (usize, Vec<u8>),
    /// SHA-256 of its DER form.
    pub(crate) digest: Fingerprint,
    /// Its DER form, as stored.
    pub(crate) der: Vec<u8>,
}

/// What part of an issuer's certificates a list speaks for (`issuingDistributionPoint`).
#[derive(Debug, Default)]
struct Scope {
    user_only: bool,
    ca_only: bool,
    /// Addresses of the distribution point; empty = every certificate of the issuer.
    points: Vec<String>,
}

impl Crl {
    /// Reads a list and checks its signature against the issuers that are known.
    pub(crate) fn read(der: &[u8], issuers: &[Issuer], now: Timestamp) -> Result<Self, CrlError> {
        let owned = OwnedCertRevocationList::from_der(der).map_err(|_| CrlError::Form)?;
        let list = CertRevocationList::from(owned);
        let Ok(([], parsed)) = CertificateRevocationList::from_der(der) else {
            return Err(CrlError::Form);
        };
        let mut named = issuers.iter().filter(|issuer| issuer.subject == list.issuer()).peekable();
        named.peek().ok_or(CrlError::UnknownIssuer)?;
        let issuer = named.find(|issuer| signed_by(&parsed, issuer)).ok_or(CrlError::Forged)?;
        let time = |secs| moment(secs).map_err(|_| CrlError::Form);
        let this_update = time(parsed.last_update().timestamp())?;
        let next_update = parsed.next_update().ok_or(CrlError::NoNextUpdate)?;
        if now < this_update {
            return Err(CrlError::NotYetValid);
        }
        let number =
            parsed.crl_number().map_or(Vec::new(), x509_parser::num_bigint::BigUint::to_bytes_be);
        Ok(Self {
            number: (number.len(), number),
            scope: Scope::of(&parsed)?,
            issuer_key: issuer.key.clone(),
            issuer: parsed.issuer().to_string(),
            this_update,
            next_update: time(next_update.timestamp())?,
            revoked_count: u64::try_from(parsed.iter_revoked_certificates().count())
                .unwrap_or(u64::MAX),
            digest: Fingerprint(Sha256::digest(der).into()),
            der: der.to_vec(),
            list,
        })
    }

    /// Whether it was made after the other one. Where both bear the same moment, its number and
    /// then its length decide, so that two files never take turns.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        let age = |list: &Self| (list.this_update, list.number.clone(), list.revoked_count);
        age(self) > age(other)
    }

    /// `crlNumber` in hex.
    pub(crate) fn number_hex(&self) -> String {
        hex(&self.number.1)
    }

    /// Key of its row: SHA-256 over the issuer's name and key and the part it speaks for.
    pub(crate) fn row_key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        part(self.list.issuer());
        part(&self.issuer_key);
        part(&[u8::from(self.scope.user_only), u8::from(self.scope.ca_only)]);
        self.scope.points.iter().for_each(|point| part(point.as_bytes()));
        hash.finalize().into()
    }

    /// Whether the list can tell about a certificate with this issuer.
    pub(crate) fn speaks_for(
        &self,
        certificate: &X509Certificate<'_>,
        issuer_name: &[u8],
        issuer_key: &[u8],
    ) -> bool {
        self.is_of(issuer_name, issuer_key) && self.scope.covers(certificate)
    }

    /// Whether this issuer (name and key) made the list.
    pub(crate) fn is_of(&self, issuer_name: &[u8], issuer_key: &[u8]) -> bool {
        self.list.issuer() == issuer_name && self.issuer_key == issuer_key
    }

    /// Whether the list names this serial number (content octets of the DER integer).
    pub(crate) fn revokes(&self, serial: &[u8]) -> bool {
        !matches!(self.list.find_serial(serial), Ok(None))
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({}, until {})", self.issuer, self.next_update)
    }
}

impl Scope {
    fn of(list: &CertificateRevocationList<'_>) -> Result<Self, CrlError> {
        let parsed = || list.extensions().iter().map(X509Extension::parsed_extension);
        if parsed().any(|extension| matches!(extension, ParsedExtension::ParseError { .. })) {
            return Err(CrlError::Form);
        }
        let point = parsed().find_map(|extension| {
            if let ParsedExtension::IssuingDistributionPoint(point) = extension {
                Some(point)
            } else {
                None
            }
        });
        let Some(point) = point else { return Ok(Self::default()) };
        if point.indirect_crl || point.only_contains_attribute_certs {
            return Err(CrlError::Form);
        }
        if point.only_some_reasons.is_some() {
            return Err(CrlError::Form);
        }
        let points = match &point.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => addresses(names),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Err(CrlError::Form),
        };
        if point.distribution_point.is_some() && points.is_empty() {
            return Err(CrlError::Form);
        }
        Ok(Self {
            user_only: point.only_contains_user_certs,
            ca_only: point.only_contains_ca_certs,
            points,
        })
    }

    fn covers(&self, certificate: &X509Certificate<'_>) -> bool {
        let is_ca = certificate.is_ca();
        if (self.user_only && is_ca) || (self.ca_only && !is_ca) {
            return false;
        }
        self.points.is_empty()
            || certificate.extensions().iter().any(|extension| {
                let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension()
                else {
                    return false;
                };
                points.points.iter().filter_map(|point| point.distribution_point.as_ref()).any(
                    |name| match name {
                        DistributionPointName::FullName(names) => {
                            addresses(names).iter().any(|address| self.points.contains(address))
                        }
                        DistributionPointName::NameRelativeToCRLIssuer(_) => false,
                    },
                )
            })
    }
}

/// The addresses among general names.
fn addresses(names: &[GeneralName<'_>]) -> Vec<String> {
    names
        .iter()
        .filter_map(|name| {
            if let GeneralName::URI(address) = name { Some((*address).to_owned()) } else { None }
        })
        .collect()
}

/// Whether the issuer's key made the list's signature and may sign lists.
fn signed_by(list: &CertificateRevocationList<'_>, issuer: &Issuer) -> bool {
    if !issuer.may_sign_lists {
        return false;
    }
    let Ok(certificate) = EndEntityCert::try_from(&issuer.der) else { return false };
    let algorithm = list.signature_algorithm.algorithm.as_bytes();
    webpki::ALL_VERIFICATION_ALGS.iter().any(|candidate| {
        oid_of(candidate.signature_alg_id().as_ref()) == Some(algorithm)
            && certificate
                .verify_signature(
                    *candidate,
                    list.tbs_cert_list.as_ref(),
                    &list.signature_value.data,
                )
                .is_ok()
    })
}

/// Content octets of the object identifier that an algorithm identifier begins with.
fn oid_of(algorithm: &[u8]) -> Option<&[u8]> {
    let [0x06, len, rest @ ..] = algorithm else { return None };
    rest.get(..usize::from(*len))
}
