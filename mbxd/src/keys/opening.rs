//! Opening what lies under a mailbox's keys.

use super::cache::{HolderSession, Opened, Slot};
use super::error::{KeysError, Thing};
use super::handle::{Keys, Open};
use super::keyring::LifeTier;
use super::mailbox_keys::{MailboxKeys, Owner, kek};
use super::pair::PrivateKey;
use super::register;
use super::sealed_dek::{Binding, SealedDek};
use super::side_record::{self, Unveiled};
use super::unlocked::UnlockedKey;
use crate::cipher::Dek;
use crate::store::Table;
use mbx_common::assurance::Tier;
use mbx_common::id::{MailboxId, PseudonymId};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The opened private key of one tier of a mailbox, for the act at hand.
///
/// Wiped when the last clone is gone and the cache has dropped it.
#[derive(Clone)]
pub struct OpenedKey {
    key: Arc<UnlockedKey>,
    mailbox: MailboxId,
    tier: Tier,
}

impl OpenedKey {
    /// Opens a DEK that was sealed to this mailbox and tier; the last few are kept with the key.
    ///
    /// # Errors
    /// [`KeysError::Altered`] where it is sealed to another key, or for other facts than the row
    /// says.
    pub fn open_dek(&self, sealed: &SealedDek, binding: &Binding) -> Result<Arc<Dek>, KeysError> {
        self.key.open_dek(sealed, binding)
    }

    /// The tier it opens.
    pub const fn tier(&self) -> Tier {
        self.tier
    }
}

impl fmt::Debug for OpenedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = format_args!("{}, {}, redacted", self.mailbox, self.tier.name());
        write!(f, "OpenedKey({shown})")
    }
}

impl Keys {
    /// Opens a mailbox's key of one tier: from the cache, else with one call to the token.
    ///
    /// A session that may not read class 3 never asks for the high tier, so the token never opens
    /// a W of `kek-high` for it (K6.5).
    ///
    /// # Errors
    /// [`KeysError::Locked`]; [`KeysError::Custody`] while the token is away and the key is not in
    /// the cache; [`KeysError::Altered`] where the row was changed or exchanged;
    /// [`KeysError::Missing`] where there is no such mailbox or its life secret was erased.
    pub async fn unlock_tier(
        &self,
        session: HolderSession,
        mailbox: MailboxId,
        tier: Tier,
    ) -> Result<OpenedKey, KeysError> {
        let began = self.cache().generation();
        let open = self.opened()?;
        let row = self.mailbox_keys(mailbox).await?;
        let epoch = row.tier(tier).life.epoch;
        let slot = Slot { session, mailbox, tier };
        let cached = self.cache().get(slot, epoch, self.0.clock.now());
        if let Some(key) = cached {
            return Ok(OpenedKey { key, mailbox, tier });
        }
        let key = self.noted(self.open_tier(&open, &row, mailbox, tier).await)?;
        let key = Arc::new(UnlockedKey::new(key));
        let opened = Opened { key: Arc::clone(&key), epoch, began };
        self.cache().put(slot, opened, self.0.clock.now());
        Ok(OpenedKey { key, mailbox, tier })
    }

    /// Drops the opened keys of a holder's session.
    pub fn end_session(&self, session: HolderSession) {
        self.cache().end_session(session);
    }

    /// Drops the opened keys of a mailbox: after it was suspended or closed.
    pub fn forget_mailbox(&self, mailbox: MailboxId) {
        self.cache().forget(mailbox);
    }

    /// Drops the opened keys that have expired. To be called every few seconds.
    pub fn sweep(&self) {
        let now = self.0.clock.now();
        self.cache().expire(now);
    }

    /// Decrypts a mailbox's register record. Needs no call to the token.
    ///
    /// # Errors
    /// [`KeysError::Locked`], [`KeysError::Altered`], [`KeysError::Missing`].
    pub async fn open_record(
        &self,
        mailbox: MailboxId,
        record: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let open = self.opened()?;
        let life = self.register_life(&open, mailbox).await?;
        self.noted(register::open(&open.register, &life, mailbox, record))
    }

    /// Encrypts a new version of a mailbox's register record.
    ///
    /// # Errors
    /// As [`Keys::open_record`].
    pub async fn close_record(
        &self,
        mailbox: MailboxId,
        record: &[u8],
    ) -> Result<Vec<u8>, KeysError> {
        let open = self.opened()?;
        let life = self.register_life(&open, mailbox).await?;
        Ok(register::close(&open.register, &life, mailbox, record))
    }

    /// Opens a side record of the audit log. `None` where the person has none or was erased.
    ///
    /// # Errors
    /// [`KeysError::Locked`], [`KeysError::Altered`].
    pub async fn unveil(&self, person: PseudonymId) -> Result<Option<Unveiled>, KeysError> {
        let open = self.opened()?;
        let Some(row) = self.0.store.get(Table::SideRecord, person.as_bytes()).await? else {
            return Ok(None);
        };
        let position = side_record::position(&row)?;
        let life = self.noted(open.keyring.person(person, position).await)?;
        self.noted(side_record::open(&open.register, &life, person, &row)).map(Some)
    }

    async fn open_tier(
        &self,
        open: &Open,
        row: &MailboxKeys,
        mailbox: MailboxId,
        tier: Tier,
    ) -> Result<PrivateKey, KeysError> {
        let keys = row.tier(tier);
        let life = open.keyring.life(mailbox, LifeTier::Messages(tier), keys.life).await?;
        let wrapping = self.0.custody.open(kek(tier), &keys.sealed).await?;
        keys.open(&wrapping, &life, Owner { mailbox, tier, epoch: keys.life.epoch })
    }

    async fn register_life(
        &self,
        open: &Open,
        mailbox: MailboxId,
    ) -> Result<crate::hsm::Secret32, KeysError> {
        let row = self.mailbox_keys(mailbox).await?;
        self.noted(open.keyring.life(mailbox, LifeTier::Register, row.register).await)
    }

    async fn mailbox_keys(&self, mailbox: MailboxId) -> Result<MailboxKeys, KeysError> {
        let row = self.0.store.get(Table::MailboxKeys, mailbox.as_bytes()).await?;
        let row = row.ok_or(KeysError::Missing(Thing::MailboxKeys))?;
        self.noted(MailboxKeys::decode(&row))
    }
}
