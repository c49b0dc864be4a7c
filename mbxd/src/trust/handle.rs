//! One handle on everything that is believed; files can change under a running daemon.

use super::anchors::Anchors;
use super::chain::ChainError;
use super::client::CrlCell;
use super::crls::Crls;
use super::inventory::{Item, inventory};
use super::issuer::{Issuer, IssuerError};
use super::lists::stored;
use super::peer::{Peer, Usage};
use super::server::{IdentityError, Server};
use crate::clock::Clock;
use crate::config::{self, TlsIdentity};
use crate::store::{Changes, CommitError, ReadError, Store};
use mbx_common::audit::{Event, Fact, Origin};
use mbx_common::error::Kind;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The two HTTPS doors.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Door {
    /// Where authorities and dispatchers deliver.
    Authorities,
    /// Where portals read.
    Portal,
}

/// Why certificates are not used. What was in use before stays in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A configured CA certificate cannot be used.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A door's own certificate cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A door's new certificate is outdated.
    #[error("{} has expired", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
    },
    /// A root cannot serve as one.
    #[error("a configured root certificate cannot be used as one")]
    Root,
    /// `crl_optional_for` names a certificate that is not configured.
    #[error("[trust] crl_optional_for names {0}, which is no configured root or intermediate")]
    UnknownFingerprint(config::Fingerprint),
    /// `rsa_bits_min` is below 2048.
    #[error("[trust] rsa_bits_min must be at least 2048")]
    RsaBits,
    /// The stored lists cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The audit entry cannot be written, so nothing was changed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl TrustError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Commit(error) => error.kind(),
            Self::Issuer(_)
            | Self::Identity(_)
            | Self::Expired { .. }
            | Self::Root
            | Self::UnknownFingerprint(_)
            | Self::RsaBits => Kind::Usage,
        }
    }
}

/// What a reload found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reloaded {
    /// Certificates and lists now in use.
    pub items: usize,
    /// Position of the entry in the audit log.
    pub audit: u64,
}

/// Another configuration, read and checked, not yet in use.
pub struct Prepared {
    state: State,
    lists: Crls,
    changing: tokio::sync::OwnedMutexGuard<()>,
}

impl Prepared {
    /// What the audit entry tells: the fingerprint of each door's certificate.
    pub fn facts(&self) -> Vec<Fact> {
        let servers = self.state.servers.values();
        servers.map(|server| Fact::Digest(server.facts.fingerprint.0)).collect()
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prepared")
    }
}

/// Everything that is believed: cheap to clone.
#[derive(Clone)]
pub struct Trust(pub(super) Arc<Inner>);

pub(super) struct Inner {
    state: RwLock<Arc<State>>,
    pub(super) crls: Arc<CrlCell>,
    /// One change of the lists at a time.
    pub(super) changing: Arc<tokio::sync::Mutex<()>>,
    pub(super) store: Store,
    pub(super) clock: Clock,
}

pub(super) struct State {
    pub(super) config: config::Trust,
    identities: Vec<(Door, TlsIdentity)>,
    authorities: Arc<Anchors>,
    portals: Arc<Anchors>,
    servers: BTreeMap<Door, Server>,
}

impl State {
    fn load(
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
        crls: &Arc<CrlCell>,
        clock: &Clock,
    ) -> Result<Self, TrustError> {
        if config.rsa_bits_min < 2048 {
            return Err(TrustError::RsaBits);
        }
        let read = |paths: &[PathBuf]| {
            paths.iter().try_fold(Vec::new(), |mut issuers, path| {
                issuers.extend(Issuer::read(path, &config.crl_optional_for)?);
                Ok::<_, IssuerError>(issuers)
            })
        };
        let (roots, portal_roots) = (read(&config.roots)?, read(&config.portal_roots)?);
        let intermediates = read(&config.intermediates)?;
        for fingerprint in &config.crl_optional_for {
            let mut known = roots.iter().chain(&portal_roots).chain(&intermediates);
            if !known.any(|issuer| issuer.facts.fingerprint == *fingerprint) {
                return Err(TrustError::UnknownFingerprint(*fingerprint));
            }
        }
        let anchors = |roots| {
            Anchors::new(roots, intermediates.clone(), usize::from(config.rsa_bits_min))
                .map(Arc::new)
                .ok_or(TrustError::Root)
        };
        let (authorities, portals) = (anchors(roots)?, anchors(portal_roots)?);
        let mut servers = BTreeMap::new();
        for (door, identity) in &identities {
            let believed = match door {
                Door::Authorities => &authorities,
                Door::Portal => &portals,
            };
            let (believed, crls) = (Arc::clone(believed), Arc::clone(crls));
            let server = Server::load(identity, believed, crls, clock.clone(), config.tls12)?;
            servers.insert(*door, server);
        }
        Ok(Self { config, identities, authorities, portals, servers })
    }

    pub(super) fn issuers(&self) -> Vec<Issuer> {
        self.authorities.issuers().chain(&self.portals.roots).cloned().collect()
    }
}

impl Trust {
    /// Reads everything that [`open`](Self::open) reads of files, and keeps nothing.
    ///
    /// # Errors
    /// [`TrustError`], as `open` would say.
    pub fn check(
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
        clock: &Clock,
    ) -> Result<(), TrustError> {
        State::load(config, identities, &Arc::default(), clock).map(drop)
    }

    /// Loads roots, door certificates and the stored revocation lists. An outdated door
    /// certificate is used all the same: the other door must not suffer for it.
    ///
    /// # Errors
    /// [`TrustError`].
    pub async fn open(
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
        store: Store,
        clock: Clock,
    ) -> Result<Self, TrustError> {
        let crls = Arc::new(CrlCell::default());
        let state = State::load(config, identities, &crls, &clock)?;
        crls.replace(stored(&store, &state.issuers(), &clock).await?);
        let changing = Arc::default();
        let state = RwLock::new(Arc::new(state));
        Ok(Self(Arc::new(Inner { state, crls, changing, store, clock })))
    }

    /// How the door speaks TLS now; to be asked anew for every connection.
    pub fn tls(&self, door: Door) -> Option<Arc<ServerConfig>> {
        self.state().servers.get(&door).map(|server| Arc::clone(&server.config))
    }

    /// Judges the chain of a TLS client, also after the handshake: a resumed session must not
    /// outlive a revocation.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn check_client(
        &self,
        door: Door,
        chain: &[CertificateDer<'_>],
    ) -> Result<Peer, ChainError> {
        let state = self.state();
        let anchors = match door {
            Door::Authorities => &state.authorities,
            Door::Portal => &state.portals,
        };
        anchors.verify(chain, Usage::TlsClient, &self.0.crls.current(), self.0.clock.now())
    }

    /// Judges the chain of a signature over a delivery; its first certificate made the signature.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn check_signer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, ChainError> {
        let anchors = &self.state().authorities;
        anchors.verify(chain, Usage::Signature, &self.0.crls.current(), self.0.clock.now())
    }

    /// The shortest RSA key that is accepted, in bits.
    pub fn rsa_bits_min(&self) -> u16 {
        self.state().config.rsa_bits_min
    }

    /// Every certificate and list in use, and each list that is missing.
    pub fn list(&self) -> Vec<Item> {
        let state = self.state();
        inventory(
            state.servers.iter().map(|(door, server)| (*door, server)),
            &state.authorities,
            &state.portals,
            &self.0.crls.current(),
            (self.0.clock.now(), state.config.crl_warn_before.as_millis()),
        )
    }

    /// Reads the files of the configuration in use again (`cert reload`).
    ///
    /// # Errors
    /// [`TrustError`]; everything stays as it was then.
    pub async fn reload(&self, origin: &Origin) -> Result<Reloaded, TrustError> {
        let state = self.state();
        self.reconfigure(state.config.clone(), state.identities.clone(), origin).await
    }

    /// Puts another configuration in use, in a unit of work of its own.
    ///
    /// # Errors
    /// [`TrustError`]; everything stays as it was then.
    pub async fn reconfigure(
        &self,
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
        origin: &Origin,
    ) -> Result<Reloaded, TrustError> {
        let prepared = self.prepare(config, identities).await?;
        let mut entry = origin.entry(self.0.clock.now(), Event::CertificatesLoaded);
        entry.facts = prepared.facts();
        let audit = self.0.store.commit(Changes::new(), entry).await?.leaf;
        self.adopt(prepared);
        Ok(Reloaded { items: self.list().len(), audit })
    }

    /// Reads and checks another configuration without putting it in use; no other change of
    /// certificates or lists is made while the result is held.
    ///
    /// # Errors
    /// [`TrustError`].
    pub async fn prepare(
        &self,
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
    ) -> Result<Prepared, TrustError> {
        let changing = Arc::clone(&self.0.changing).lock_owned().await;
        let now = self.0.clock.now();
        let state = State::load(config, identities, &self.0.crls, &self.0.clock)?;
        if let Some(old) = state.servers.values().find(|server| server.facts.not_after < now) {
            return Err(TrustError::Expired { path: old.path.clone() });
        }
        let lists = stored(&self.0.store, &state.issuers(), &self.0.clock).await?;
        Ok(Prepared { state, lists, changing })
    }

    /// Puts in use what was prepared; its audit entry must be durable.
    pub fn adopt(&self, prepared: Prepared) {
        let Prepared { state, lists, changing } = prepared;
        self.0.crls.replace(lists);
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
        drop(changing);
    }

    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}
