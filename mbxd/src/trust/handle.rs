//! One handle on everything that is believed; files can change under a running daemon.

use super::anchors::{Anchors, Peer, Usage};
use super::chain::ChainError;
use super::client::CrlCell;
use super::crl::{Crl, CrlError};
use super::crls::{self, Crls};
use super::inventory::{Item, inventory};
use super::issuer::{Issuer, IssuerError};
use super::pem::{self, PemError};
use super::server::{IdentityError, Server};
use crate::clock::Clock;
use crate::config::{self, TlsIdentity};
use crate::store::{Changes, CommitError, KeyRange, ReadError, Store, Table};
use mbx_common::audit::{Actor, Event, Fact, Origin};
use mbx_common::error::Kind;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Most revocation lists that are kept: a handful of issuers, each with a few parts.
const LISTS_MAX: usize = 256;

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
}

/// What reading the folder of revocation lists found.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Lists that are new and in force now.
    pub updated: usize,
    /// Lists that are in force already.
    pub unchanged: usize,
    /// Files that are not used, and why.
    pub refused: Vec<(PathBuf, ListError)>,
}

/// Why a file of the folder is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file or folder cannot be read.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The list is no good.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// It cannot be kept; it is tried again at the next reading.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Everything that is believed: cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<Inner>);

struct Inner {
    state: RwLock<State>,
    crls: Arc<CrlCell>,
    /// One change of the lists at a time.
    changing: tokio::sync::Mutex<()>,
    store: Store,
    clock: Clock,
}

#[derive(Clone)]
struct State {
    config: config::Trust,
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

    fn issuers(&self) -> Vec<Issuer> {
        self.authorities.issuers().chain(&self.portals.roots).cloned().collect()
    }
}

impl Trust {
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
        let changing = tokio::sync::Mutex::new(());
        let state = RwLock::new(state);
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
        let anchors = match door {
            Door::Authorities => Arc::clone(&self.state().authorities),
            Door::Portal => Arc::clone(&self.state().portals),
        };
        anchors.verify(chain, Usage::TlsClient, &self.0.crls.current(), self.0.clock.now())
    }

    /// Judges the chain of a signature over a delivery; its first certificate made the signature.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn check_signer(&self, chain: &[CertificateDer<'_>]) -> Result<Peer, ChainError> {
        let anchors = Arc::clone(&self.state().authorities);
        anchors.verify(chain, Usage::Signature, &self.0.crls.current(), self.0.clock.now())
    }

    /// The shortest RSA key that is accepted, in bits.
    pub fn rsa_bits_min(&self) -> u16 {
        self.state().config.rsa_bits_min
    }

    /// Every certificate and list in use, and each list that is missing.
    pub fn list(&self) -> Vec<Item> {
        let State { authorities, portals, servers, .. } = self.state();
        inventory(
            servers.iter().map(|(door, server)| (*door, server)),
            &authorities,
            &portals,
            &self.0.crls.current(),
            self.0.clock.now(),
        )
    }

    /// Reads the files of the configuration in use again (`cert reload`).
    ///
    /// # Errors
    /// [`TrustError`]; everything stays as it was then.
    pub async fn reload(&self, origin: &Origin) -> Result<Reloaded, TrustError> {
        let State { config, identities, .. } = self.state();
        self.reconfigure(config, identities, origin).await
    }

    /// Puts another configuration in use.
    ///
    /// # Errors
    /// [`TrustError`]; everything stays as it was then.
    pub async fn reconfigure(
        &self,
        config: config::Trust,
        identities: Vec<(Door, TlsIdentity)>,
        origin: &Origin,
    ) -> Result<Reloaded, TrustError> {
        let _changing = self.0.changing.lock().await;
        let now = self.0.clock.now();
        let state = State::load(config, identities, &self.0.crls, &self.0.clock)?;
        if let Some(old) = state.servers.values().find(|server| server.facts.not_after < now) {
            return Err(TrustError::Expired { path: old.path.clone() });
        }
        let lists = stored(&self.0.store, &state.issuers(), &self.0.clock).await?;
        let mut entry = origin.entry(now, Event::CertificatesLoaded);
        for server in state.servers.values() {
            entry = entry.fact(Fact::Digest(server.facts.fingerprint.0));
        }
        self.0.store.commit(Changes::new(), entry).await?;
        self.0.crls.replace(lists);
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(Reloaded { items: self.list().len() })
    }

    /// Reads the folder of revocation lists and keeps every new good one, each in a unit of work
    /// with its audit entry.
    pub async fn refresh_lists(&self) -> Refreshed {
        let _changing = self.0.changing.lock().await;
        let state = self.state();
        let folder = state.config.crl_dir.clone();
        let files = tokio::task::spawn_blocking(move || read_folder(&folder)).await;
        let mut report = Refreshed::default();
        let issuers = state.issuers();
        for (path, bytes) in files.unwrap_or_default() {
            let kept = match bytes {
                Ok(bytes) => self.keep(&bytes, &issuers).await,
                Err(error) => Err(error.into()),
            };
            match kept {
                Ok(true) => report.updated += 1,
                Ok(false) => report.unchanged += 1,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "revocation list not used");
                    report.refused.push((path, error));
                }
            }
        }
        self.warn_of_ends(state.config.crl_warn_before.as_millis());
        report
    }

    /// Logs each list that is outdated or soon will be.
    fn warn_of_ends(&self, before_ms: u64) {
        let soon = self.0.clock.now().plus_millis(before_ms);
        for list in self.0.crls.current().states() {
            if list.next_update <= soon {
                tracing::warn!(
                    issuer = list.issuer,
                    next_update = %list.next_update,
                    "a revocation list ends; fetch the next one"
                );
            }
        }
    }

    /// Refreshes the lists for ever, as often as the configuration says.
    pub async fn keep_lists_fresh(self) {
        loop {
            self.refresh_lists().await;
            let pause = self.state().config.crl_read_every.duration();
            tokio::time::sleep(pause.max(std::time::Duration::from_secs(1))).await;
        }
    }

    /// Keeps one list; `false` where it is in force already.
    async fn keep(&self, der: &[u8], issuers: &[Issuer]) -> Result<bool, ListError> {
        let now = self.0.clock.now();
        let list = Crl::read(der, issuers, now)?;
        let lists = self.0.crls.current();
        if !lists.is_new(&list)? {
            return Ok(false);
        }
        let mut changes = Changes::new();
        changes.put(Table::Crl, list.row_key().to_vec(), crls::row(&list));
        let entry = Origin::of(Actor::Daemon)
            .entry(now, Event::CrlUpdated)
            .fact(Fact::Digest(list.digest.0))
            .fact(Fact::Count(list.revoked_count))
            .fact(Fact::Moment(list.next_update));
        self.0.store.commit(changes, entry).await?;
        self.0.crls.replace(lists.with(Arc::new(list)));
        Ok(true)
    }

    fn state(&self) -> State {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

/// The lists of the store whose issuers are configured and whose signatures still hold.
async fn stored(store: &Store, issuers: &[Issuer], clock: &Clock) -> Result<Crls, ReadError> {
    let page = store.scan(Table::Crl, KeyRange::all(), LISTS_MAX).await?;
    let mut lists = Crls::default();
    for (_, row) in &page.rows {
        match crls::from_row(row, issuers, clock.now()) {
            Ok(list) => lists = lists.with(Arc::new(list)),
            Err(error) => tracing::warn!(%error, "stored revocation list not used"),
        }
    }
    Ok(lists)
}

/// Every `*.crl` and `*.pem` of a folder, in the order of their names.
fn read_folder(folder: &Path) -> Vec<(PathBuf, Result<Vec<u8>, PemError>)> {
    let failed =
        |source| vec![(folder.to_owned(), Err(PemError::Read { path: folder.to_owned(), source }))];
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) => return failed(source),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "crl" || end == "pem"))
        .collect();
    paths.sort();
    paths.truncate(LISTS_MAX);
    paths
        .into_iter()
        .map(|path| {
            let bytes = pem::revocation_list(&path);
            (path, bytes)
        })
        .collect()
}
