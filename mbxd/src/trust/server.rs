//! How a door speaks TLS.

use super::anchors::Anchors;
use super::certificate::{CertificateError, Facts};
use super::client::{ClientVerifier, CrlCell};
use super::pem::{self, PemError};
use crate::clock::Clock;
use crate::config::TlsIdentity;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerSessionMemoryCache;
use std::path::PathBuf;
use std::sync::Arc;

/// Sessions that can be resumed; each holds a client's chain, so that a door with a handful of
/// dispatchers needs no more.
const RESUMABLE_SESSIONS_MAX: usize = 1024;

/// Why a door's certificate is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A file cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The certificate cannot be read.
    #[error("{}: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CertificateError,
    },
    /// Key and certificate do not belong together, or the key is of no use for TLS.
    #[error("{} and its private key do not fit", path.display())]
    Key {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// One door's certificate in use.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) facts: Facts,
    pub(crate) path: PathBuf,
}

impl Server {
    /// Loads a door's certificate and key; TLS 1.3, and 1.2 where `tls12`; a client certificate
    /// under these anchors is required. Sessions are resumed, without early data.
    pub(crate) fn load(
        identity: &TlsIdentity,
        anchors: Arc<Anchors>,
        crls: Arc<CrlCell>,
        clock: Clock,
        tls12: bool,
    ) -> Result<Self, IdentityError> {
        let path = identity.certificate.clone();
        let chain = pem::certificates(&path)?;
        let facts = match chain.first().map(|leaf| Facts::of(leaf)) {
            Some(Ok(facts)) => facts,
            Some(Err(source)) => return Err(IdentityError::Certificate { path, source }),
            None => {
                let source = CertificateError::Form;
                return Err(IdentityError::Certificate { path, source });
            }
        };
        let key = pem::private_key(&identity.private_key)?;
        let provider = Arc::new(provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier = ClientVerifier::new(anchors, crls, clock, algorithms);
        let versions: &[_] = if tls12 {
            &[&rustls::version::TLS13, &rustls::version::TLS12]
        } else {
            &[&rustls::version::TLS13]
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .and_then(|builder| {
                builder.with_client_cert_verifier(Arc::new(verifier)).with_single_cert(chain, key)
            })
            .map_err(|source| IdentityError::Key { path: path.clone(), source })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = ServerSessionMemoryCache::new(RESUMABLE_SESSIONS_MAX);
        config.max_early_data_size = 0;
        Ok(Self { config: Arc::new(config), facts, path })
    }
}

/// The provider with the hybrid key exchange first (X25519MLKEM768), then the usual curves.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}
