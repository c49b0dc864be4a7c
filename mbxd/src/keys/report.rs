//! What `key status`, `key list` and `hsm …` show.

use super::error::KeysError;
use super::handle::{Keys, KeysState};
use super::mailbox_keys::MailboxKeys;
use super::protected::Protected;
use super::token_key::{KeyTable, TokenKey};
use crate::hsm::{Metrics, Sheet, Status};
use crate::store::{KeyRange, Table};
use mbx_common::assurance::Tier;
use mbx_common::id::KeyId;
use mbx_common::time::Timestamp;
use secrecy::SecretString;
use std::collections::HashMap;

/// Rows that one step of a count reads.
const STEP_ROWS: usize = 1000;

/// How long a count is given to everybody who asks, in milliseconds.
const COUNT_KEPT_MS: u64 = 60_000;

/// How the keys stand.
#[derive(Clone, Debug)]
pub struct KeysStatus {
    /// What can be done at the moment.
    pub state: KeysState,
    /// The token.
    pub hsm: Status,
    /// Opened mailbox keys in the cache.
    pub cached_keys: usize,
    /// When the last of them will have expired: until then, reading goes on without the token.
    pub cache_lasts_until: Option<Timestamp>,
    /// How often something stored was found altered since the start: anything but 0 is an alarm.
    pub altered: u64,
    /// Whether a lookup credential was given that does not fit this installation.
    pub lookup_refused: bool,
}

/// One key of the token, with what it protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyUse {
    /// The key.
    pub key: TokenKey,
    /// Mailboxes with a W under it; for the two KEKs of mailboxes only.
    pub mailboxes: Option<u64>,
}

impl Keys {
    /// How the keys stand. Asks neither the token nor the disk.
    pub fn status(&self) -> KeysStatus {
        let cache = self.cache();
        KeysStatus {
            state: self.state(),
            hsm: self.0.custody.status(),
            cached_keys: cache.len(),
            cache_lasts_until: cache.lasts_until(),
            altered: self.altered(),
            lookup_refused: self.lookup_refused(),
        }
    }

    /// Every key of the table by purpose and version, with a count of what the KEKs protect, at most
    /// a minute old: it reads every mailbox's keys, so nobody counts beside another.
    ///
    /// # Errors
    /// Where the rows cannot be read.
    pub async fn list(&self) -> Result<Vec<KeyUse>, KeysError> {
        let table = KeyTable::load(&self.0.store).await?;
        let mut protected = self.0.protected.lock().await;
        let now = self.0.clock.now();
        let is_new =
            |kept: &Protected| kept.counted <= now && now.since(kept.counted) < COUNT_KEPT_MS;
        let kept = protected.take().filter(is_new);
        let kept = match kept {
            Some(kept) => kept,
            None => Protected { mailboxes: self.count_by_kek().await?, counted: now },
        };
        let counts = &protected.insert(kept).mailboxes;
        let used = |key: &TokenKey| {
            use crate::hsm::KeyPurpose::{KekBasic, KekHigh};
            let counted = matches!(key.spec.purpose, KekBasic | KekHigh);
            let mailboxes = counted.then(|| counts.get(&key.spec.id).copied().unwrap_or_default());
            KeyUse { key: *key, mailboxes }
        };
        Ok(table.all().iter().map(used).collect())
    }

    /// The same without counting.
    ///
    /// # Errors
    /// Where the table cannot be read.
    pub async fn token_keys(&self) -> Result<Vec<TokenKey>, KeysError> {
        Ok(KeyTable::load(&self.0.store).await?.all().to_vec())
    }

    /// Counters and latencies of the token.
    pub fn hsm_metrics(&self) -> Metrics {
        self.0.custody.metrics()
    }

    /// Tries what the daemon needs on the token: the compatibility sheet.
    ///
    /// # Errors
    /// [`KeysError::Custody`].
    pub async fn hsm_test(&self) -> Result<Sheet, KeysError> {
        Ok(self.0.custody.test().await?)
    }

    /// Gives the token's PIN, then opens the keys where the installation is initialised.
    ///
    /// # Errors
    /// [`KeysError::Custody`]; those of [`Keys::open`].
    pub async fn hsm_unlock(&self, pin: SecretString) -> Result<(), KeysError> {
        self.0.custody.unlock(pin).await?;
        match self.open().await {
            Err(KeysError::NotInitialised) => Ok(()),
            opened => opened,
        }
    }

    /// Drops every opened key and secret, forgets the PIN and logs out of the token.
    pub async fn hsm_lock(&self) {
        self.close();
        self.0.custody.lock().await;
    }

    async fn count_by_kek(&self) -> Result<HashMap<KeyId, u64>, KeysError> {
        let mut counts = HashMap::new();
        let mut range = KeyRange::all();
        loop {
            let page = self.0.store.scan(Table::MailboxKeys, range.clone(), STEP_ROWS).await?;
            for (_, row) in &page.rows {
                let keys = self.noted(MailboxKeys::decode(row))?;
                for tier in Tier::ALL {
                    let count: &mut u64 = counts.entry(keys.tier(tier).kek).or_default();
                    *count = count.saturating_add(1);
                }
            }
            match page.rows.last() {
                Some((last, _)) if page.more => {
                    range.from = [&last[..], &[0]].concat().into();
                }
                _ => return Ok(counts),
            }
        }
    }
}
