//! Chains from a peer's or signer's certificate to a configured root.

use super::certificate::{KeyStrength, fingerprint, moment, parse, strength};
use super::chain::ChainError;
use super::crls::Crls;
use super::issuer::Issuer;
use super::organisation::organisation;
use super::peer::{Peer, Usage};
use super::verdicts::{ChainKey, Verdict, Verdicts};
use mbx_common::time::Timestamp;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, VerifiedPath,
};
use x509_parser::certificate::X509Certificate;

/// Most certificates that a peer or signer may hand over. Source: delivery policy.
pub(crate) const CHAIN_LEN_MAX: usize = 6;

/// Roots, intermediates and policy: everything that decides about a chain but the lists.
pub struct Anchors {
    found_by_name: Vec<TrustAnchor<'static>>,
    pub(crate) roots: Vec<Issuer>,
    pub(crate) intermediates: Vec<Issuer>,
    rsa_bits_min: usize,
    verdicts: Verdicts,
}

impl Anchors {
    /// Makes anchors of these roots; the intermediates only help to close chains.
    pub(crate) fn new(
        roots: Vec<Issuer>,
        intermediates: Vec<Issuer>,
        rsa_bits_min: usize,
    ) -> Option<Self> {
        let found_by_name = roots
            .iter()
            .map(|root| webpki::anchor_from_trusted_cert(&root.der).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .ok()?;
        let verdicts = Verdicts::default();
        Some(Self { found_by_name, roots, intermediates, rsa_bits_min, verdicts })
    }

    /// Every configured CA.
    pub(crate) fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.roots.iter().chain(&self.intermediates)
    }

    /// Checks a chain whose first certificate is the peer's own; the others may come in any order
    /// and may be missing where the configuration has them.
    ///
    /// # Errors
    /// [`ChainError`], the most telling cause.
    pub(crate) fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        usage: Usage,
        crls: &Arc<Crls>,
        now: Timestamp,
    ) -> Result<Peer, ChainError> {
        if chain.len() > CHAIN_LEN_MAX {
            return Err(ChainError::TooMany);
        }
        let key = ChainKey::of(chain, usage);
        if let Some(peer) = self.verdicts.find(&key, crls, now) {
            return Ok(peer);
        }
        let (peer, until) = self.judge(chain, usage, crls, now)?;
        self.verdicts.keep(key, crls, Verdict { peer: peer.clone(), from: now, until });
        Ok(peer)
    }

    /// The judgement itself, and the first moment at which one of the certificates of the path or
    /// any list in force ends.
    fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        usage: Usage,
        crls: &Crls,
        now: Timestamp,
    ) -> Result<(Peer, Timestamp), ChainError> {
        let (leaf, others) = chain.split_first().ok_or(ChainError::Missing)?;
        let parsed = parse(leaf)?;
        self.admit_key(&parsed)?;
        admit_usage(&parsed, usage)?;
        let mut intermediates: Vec<CertificateDer<'_>> = Vec::with_capacity(others.len());
        for other in others {
            parse(other)?;
            intermediates.push(CertificateDer::from(other.as_ref()));
        }
        intermediates.extend(
            self.intermediates.iter().map(|issuer| CertificateDer::from(issuer.der.as_ref())),
        );
        let certificate =
            EndEntityCert::try_from(leaf).map_err(|error| ChainError::behind(&error))?;
        let until = Cell::new(now);
        let admit = |path: &VerifiedPath<'_>| {
            until.set(self.admit_path(path, crls, now)?);
            Ok(())
        };
        certificate
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.found_by_name,
                &intermediates,
                UnixTime::since_unix_epoch(Duration::from_millis(now.as_millis())),
                Purpose(usage),
                None,
                Some(&admit),
            )
            .map_err(|error| ChainError::behind(&error))?;
        let peer = Peer { organisation: organisation(&parsed), fingerprint: fingerprint(leaf) };
        Ok((peer, until.get()))
    }

    /// Refuses keys that are short or of another kind than RSA, P-256 and P-384.
    fn admit_key(&self, certificate: &X509Certificate<'_>) -> Result<(), ChainError> {
        match strength(certificate.public_key()) {
            KeyStrength::P256 | KeyStrength::P384 => Ok(()),
            KeyStrength::Rsa(bits) if bits >= self.rsa_bits_min => Ok(()),
            KeyStrength::Rsa(_) | KeyStrength::Other => Err(ChainError::WeakKey),
        }
    }

    /// Judges revocation of every certificate of a path but the root, and the keys of its CAs;
    /// gives the moment until which that holds.
    fn admit_path(
        &self,
        path: &VerifiedPath<'_>,
        crls: &Crls,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let mut until = crls.next_end(now);
        let root_key = webpki::spki_for_anchor(path.anchor());
        let mut certificates: Vec<&webpki::Cert<'_>> = vec![path.end_entity()];
        certificates.extend(path.intermediate_certificates());
        for (place, certificate) in certificates.iter().enumerate() {
            let der = certificate.der();
            let parsed = parse(&der).map_err(|_| Error::BadDer)?;
            // What cannot be told is judged anew each time.
            let end = moment(parsed.validity().not_after.timestamp()).unwrap_or(now);
            until = until.min(end);
            if place > 0 && self.admit_key(&parsed).is_err() {
                return Err(Error::CertDistrusted);
            }
            let issuer_key = match certificates.get(place + 1) {
                Some(above) => above.subject_public_key_info(),
                None => root_key.clone(),
            };
            let tolerated = self.issuers().any(|issuer| {
                issuer.tolerated
                    && issuer.subject == certificate.issuer()
                    && issuer.key == issuer_key.as_ref()
            });
            let name_and_key = (certificate.issuer(), issuer_key.as_ref());
            match crls.judge(&parsed, certificate.serial(), name_and_key, now) {
                Err(Error::UnknownRevocationStatus | Error::CrlExpired { .. }) if tolerated => {}
                other => other?,
            }
        }
        Ok(until)
    }
}

impl std::fmt::Debug for Anchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Anchors({} roots, {} more)", self.roots.len(), self.intermediates.len())
    }
}

/// Key usage is not looked at by the chain builder, so it is here.
fn admit_usage(certificate: &X509Certificate<'_>, usage: Usage) -> Result<(), ChainError> {
    let found = certificate.key_usage().map_err(|_| ChainError::Malformed)?;
    let admitted = match (usage, found) {
        (Usage::TlsClient, None) => true,
        (Usage::TlsClient, Some(found)) => found.value.digital_signature(),
        (Usage::Signature, None) => false,
        (Usage::Signature, Some(found)) => {
            found.value.digital_signature() || found.value.non_repudiation()
        }
    };
    if admitted { Ok(()) } else { Err(ChainError::KeyUsage) }
}

/// Extended key usage as the chain builder asks for it.
struct Purpose(Usage);

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self.0 {
            Usage::TlsClient => KeyUsage::client_auth().validate(iter),
            // Organisation certificates are certificates for signing by key usage alone.
            Usage::Signature => Ok(()),
        }
    }
}
