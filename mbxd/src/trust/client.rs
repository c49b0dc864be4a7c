//! Client certificates in the TLS handshake, by the same checks as signatures.

use super::anchors::Anchors;
use super::chain::ChainError;
use super::crls::Crls;
use super::peer::Usage;
use crate::clock::Clock;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use std::sync::{Arc, PoisonError, RwLock};

/// The lists in force, replaced while handshakes go on.
#[derive(Debug, Default)]
pub(crate) struct CrlCell(RwLock<Arc<Crls>>);

impl CrlCell {
    /// The lists of this moment.
    pub(crate) fn current(&self) -> Arc<Crls> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other lists in force.
    pub(crate) fn replace(&self, lists: Crls) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }
}

/// Asks every TLS client for a certificate and judges it.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    pub(crate) anchors: Arc<Anchors>,
    pub(crate) crls: Arc<CrlCell>,
    pub(crate) clock: Clock,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    pub(crate) hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    pub(crate) fn new(
        anchors: Arc<Anchors>,
        crls: Arc<CrlCell>,
        clock: Clock,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let hints = anchors
            .roots
            .iter()
            .map(|root| DistinguishedName::in_sequence(&root.subject))
            .collect();
        Self { anchors, crls, clock, algorithms, hints }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| CertificateDer::from(certificate.as_ref()))
            .collect();
        self.anchors
            .verify(&chain, Usage::TlsClient, &self.crls.current(), self.clock.now())
            .map(|_| ClientCertVerified::assertion())
            .map_err(|error| rustls::Error::InvalidCertificate(alert(error)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a handshake failed, where it did for the client's certificate.
///
/// TLS carries less than [`ChainError`] knows: causes that share an alert come back as one.
pub fn refused_in_handshake(error: &std::io::Error) -> Option<ChainError> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(cause) = inner else { return None };
    let chain_errors = [
        ChainError::Malformed,
        ChainError::Expired,
        ChainError::NotYetValid,
        ChainError::Revoked,
        ChainError::UnknownIssuer,
        ChainError::NoRevocationList,
        ChainError::RevocationListExpired,
        ChainError::KeyUsage,
    ];
    Some(
        chain_errors
            .into_iter()
            .find(|known| alert(*known) == *cause)
            .unwrap_or(ChainError::Constraint),
    )
}

/// What the other end learns by the TLS alert.
fn alert(error: ChainError) -> CertificateError {
    match error {
        ChainError::Malformed => CertificateError::BadEncoding,
        ChainError::Expired => CertificateError::Expired,
        ChainError::NotYetValid => CertificateError::NotValidYet,
        ChainError::Revoked => CertificateError::Revoked,
        ChainError::UnknownIssuer => CertificateError::UnknownIssuer,
        ChainError::NoRevocationList => CertificateError::UnknownRevocationStatus,
        ChainError::RevocationListExpired => CertificateError::ExpiredRevocationList,
        ChainError::KeyUsage | ChainError::Purpose => CertificateError::InvalidPurpose,
        ChainError::Missing
        | ChainError::TooMany
        | ChainError::WeakKey
        | ChainError::Constraint
        | ChainError::Organisation(_) => CertificateError::ApplicationVerificationFailure,
    }
}
