//! Revocation lists on their way from the folder into the store and into force.

use super::crl::{Crl, CrlError};
use super::crls::{self, Crls};
use super::handle::Trust;
use super::issuer::Issuer;
use super::pem::{self, PemError};
use crate::clock::Clock;
use crate::store::{Changes, CommitError, KeyRange, ReadError, Store, Table};
use mbx_common::audit::{Actor, Event, Fact, Origin};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most revocation lists that are kept: a handful of issuers, each with a few parts.
const LISTS_MAX: usize = 256;

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

impl Trust {
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
}

/// The lists of the store whose issuers are configured and whose signatures still hold.
pub(super) async fn stored(
    store: &Store,
    issuers: &[Issuer],
    clock: &Clock,
) -> Result<Crls, ReadError> {
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
