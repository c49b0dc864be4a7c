//! Opening the root secrets: by the token, or the lookup secret alone by a credential.

use super::error::{KeysError, Thing};
use super::handle::{KeyringFile, Keys, Open, State};
use super::keyring::Keyring;
use super::keyring_len::KeyringLen;
use super::lookup::Lookup;
use super::root_secret::{self, RootName, RootPurpose};
use super::secret_check::SecretCheck;
use super::token_key::KeyTable;
use crate::hsm::Secret32;
use crate::store::records::Records;
use crate::store::{KeyRange, Table};
use mbx_common::id::InstallationId;
use std::sync::Arc;

impl Keys {
    /// Opens the root secrets with the token and, from then on, everything under them.
    ///
    /// May be repeated: after an error nothing has changed, and where the keys are open already
    /// they are opened anew.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`]; [`KeysError::Custody`] while the token is away or locked;
    /// [`KeysError::Altered`] where a root secret is not one that this token signed, or not the one
    /// that the store's rows lie under; [`KeysError::KeyringCut`] where the keyring was cut or
    /// rolled back.
    pub async fn open(&self) -> Result<(), KeysError> {
        let mut file = self.0.opening.lock().await;
        let table = KeyTable::load(&self.0.store).await?;
        if table.is_empty() {
            return Err(KeysError::NotInitialised);
        }
        let installation = self.installation().await?;
        self.0.custody.expect_keys(table.present()).await?;
        let load = Load { keys: self, table: &table, installation };
        let register = self.noted(load.checked(SecretCheck::Register).await)?;
        let lookup = self.noted(load.checked(SecretCheck::Lookup).await)?;
        let (generation, secret) = self.noted(load.newest(RootPurpose::Keyring).await)?;
        let records = self.noted(load.keyring_file(generation, &mut file).await)?;
        let keyring = Keyring::new(records, secret, generation, installation);
        let lookup = Arc::new(Lookup::new(lookup, installation));
        let open = Arc::new(Open { table, lookup, register, keyring });
        self.change(|state| *state = State::Open(open));
        Ok(())
    }

    /// Takes the lookup secret from a credential, so that deliveries are accepted while the token
    /// is locked or away. Changes nothing where the keys are open.
    ///
    /// Only this installation's own is taken: with another, everybody would be answered as not
    /// found, and a sender believes that.
    ///
    /// # Errors
    /// [`KeysError::NotInitialised`]; [`KeysError::ForeignLookup`], after which the keys stay as
    /// locked as they were; or where the rows cannot be read.
    pub async fn provide_lookup(&self, secret: Secret32) -> Result<(), KeysError> {
        let checked = self.own_lookup(secret).await;
        self.note_lookup_refused(checked.is_err());
        let lookup = Arc::new(checked?);
        self.change(|state| {
            if !matches!(state, State::Open(_)) {
                *state = State::Locked(Some(lookup));
            }
        });
        Ok(())
    }

    async fn own_lookup(&self, secret: Secret32) -> Result<Lookup, KeysError> {
        let installation = self.installation().await?;
        let fits = self.noted(self.fits(SecretCheck::Lookup, &secret, installation).await)?;
        fits.then(|| Lookup::new(secret, installation)).ok_or(KeysError::ForeignLookup)
    }

    /// Whether a root secret is the one that was in use when its check was written.
    async fn fits(
        &self,
        check: SecretCheck,
        secret: &Secret32,
        installation: InstallationId,
    ) -> Result<bool, KeysError> {
        let row = self.0.store.get(Table::Meta, check.row_key()).await?;
        check.fits(secret, installation, &row.ok_or(KeysError::Missing(check.thing()))?)
    }
}

/// Reading root secrets and what belongs to them.
struct Load<'a> {
    keys: &'a Keys,
    table: &'a KeyTable,
    installation: InstallationId,
}

impl Load<'_> {
    /// The newest generation of a root secret that its check fits.
    async fn checked(&self, check: SecretCheck) -> Result<Secret32, KeysError> {
        let (_, secret) = self.newest(check.of()).await?;
        let fits = self.keys.fits(check, &secret, self.installation).await?;
        fits.then_some(secret).ok_or(KeysError::Altered(check.thing()))
    }

    /// The newest generation of a root secret, and the secret.
    async fn newest(&self, purpose: RootPurpose) -> Result<(u32, Secret32), KeysError> {
        let newest = KeyRange::prefix(&[purpose.code()]).backwards();
        let page = self.keys.0.store.scan(Table::RootSecret, newest, 1).await?;
        let (key, row) = page.rows.first().ok_or(KeysError::Missing(Thing::RootSecret))?;
        let generation = key.get(1..).and_then(|bytes| bytes.try_into().ok());
        let generation =
            u32::from_be_bytes(generation.ok_or(KeysError::Altered(Thing::RootSecret))?);
        let name = RootName { purpose, generation, installation: self.installation };
        let custody = &*self.keys.0.custody;
        let genuine = root_secret::check(custody, self.table, name, row).await?;
        Ok((generation, genuine.open(custody).await?))
    }

    /// The keyring's file: the one that is open already, or opened and measured now.
    async fn keyring_file(
        &self,
        generation: u32,
        open: &mut Option<KeyringFile>,
    ) -> Result<Records, KeysError> {
        if let Some(file) = open.as_ref().filter(|file| file.generation == generation) {
            return Ok(file.records.clone());
        }
        let in_use = KeyringLen::newest(&self.keys.0.store).await?;
        if in_use.generation != generation {
            return Err(KeysError::Altered(Thing::KeyringLen));
        }
        let back_end = Arc::clone(&self.keys.0.back_end);
        let records = Keyring::open_file(back_end, in_use, self.installation).await?;
        *open = Some(KeyringFile { generation, records: records.clone() });
        Ok(records)
    }
}
