//! The first keys of an installation.

use super::error::{KeysError, Thing};
use super::handle::{INSTALLATION, INSTALLATION_VERSION, Keys};
use super::keyring::Keyring;
use super::keyring_len::StoredLens;
use super::root_secret::{self, RootName, RootPurpose};
use super::secret_check::SecretCheck;
use super::side_record::{self, SideRecord};
use super::token_key::{KeyState, KeyTable, TokenKey};
use crate::hsm::{KeyPurpose, KeySpec, Secret32};
use crate::store::{Changes, Expectation, Table};
use bytes::Bytes;
use mbx_common::id::{InstallationId, KeyId, PseudonymId};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// Keys made in the token at the start of an installation.
const FIRST_KEYS: [KeyPurpose; 5] = [
    KeyPurpose::KekBasic,
    KeyPurpose::KekHigh,
    KeyPurpose::KekRegister,
    KeyPurpose::Keyring,
    KeyPurpose::Sign,
];

/// Generation of the first root secrets and of the first keyring.
const FIRST: u32 = 1;

/// The first keys and root secrets, made but not yet committed.
///
/// Commit [`Founding::changes`] together with what else `init` sets up, then call [`Keys::open`].
/// Where that commit fails, the keys made in the token stay there unused, and a file
/// `keyring/….founding` that nothing names. As long as this lives, no other set-up begins.
pub struct Founding {
    installation: InstallationId,
    table: KeyTable,
    register: Secret32,
    keyring: Keyring,
    changes: Changes,
    _alone: OwnedMutexGuard<()>,
}

impl Keys {
    /// Makes the token's keys, the root secrets and the first keyring; waits for a set-up that is
    /// under way.
    ///
    /// # Errors
    /// [`KeysError::AlreadyInitialised`]; [`KeysError::KeyringThere`] where the keyring of another
    /// installation lies in the state folder, which is left as it is; [`KeysError::Custody`],
    /// [`KeysError::Keyring`].
    pub async fn initialise(&self) -> Result<Founding, KeysError> {
        let keys = &self.0;
        let alone = Arc::clone(&keys.founding).lock_owned().await;
        let initialised = !KeyTable::load(&keys.store).await?.is_empty()
            || keys.store.get(Table::Meta, INSTALLATION).await?.is_some();
        if initialised {
            return Err(KeysError::AlreadyInitialised);
        }
        Keyring::expect_none(Arc::clone(&keys.back_end)).await?;
        let mut made = Vec::with_capacity(FIRST_KEYS.len());
        let founded = self.found(alone, &mut made).await;
        if founded.is_err() {
            note_unused(&made);
        }
        founded
    }

    async fn found(
        &self,
        alone: OwnedMutexGuard<()>,
        made: &mut Vec<TokenKey>,
    ) -> Result<Founding, KeysError> {
        let keys = &self.0;
        let installation = InstallationId::from_bytes(crate::random::bytes());
        self.make_keys(made).await?;
        let table = KeyTable::new(made.clone());
        let mut changes = Changes::new();
        changes.expect(Table::Meta, INSTALLATION, Expectation::Absent);
        changes.put(Table::Meta, INSTALLATION, installation_row(installation));
        table.put(&mut changes);
        let mut secret = async |purpose| {
            let secret = Secret32::new(crate::random::bytes());
            let name = RootName { purpose, generation: FIRST, installation };
            let now = keys.clock.now();
            let row = root_secret::make(&*keys.custody, &table, name, &secret, now).await?;
            let key = Bytes::from(name.row_key());
            changes.expect(Table::RootSecret, key.clone(), Expectation::Absent);
            changes.put(Table::RootSecret, key, row);
            Ok::<_, KeysError>(secret)
        };
        let register = secret(RootPurpose::Register).await?;
        let lookup = secret(RootPurpose::Lookup).await?;
        let keyring = secret(RootPurpose::Keyring).await?;
        let keyring =
            Keyring::create(Arc::clone(&keys.back_end), FIRST, keyring, installation).await?;
        SecretCheck::Register.put(&register, installation, &mut changes);
        SecretCheck::Lookup.put(&lookup, installation, &mut changes);
        Ok(Founding { installation, table, register, keyring, changes, _alone: alone })
    }

    async fn make_keys(&self, made: &mut Vec<TokenKey>) -> Result<(), KeysError> {
        for purpose in FIRST_KEYS {
            let id = KeyId::from_bytes(crate::random::bytes());
            let spec = KeySpec { id, purpose, version: FIRST };
            self.0.custody.generate(spec).await?;
            made.push(TokenKey { spec, state: KeyState::Active, created: self.0.clock.now() });
        }
        Ok(())
    }
}

impl Founding {
    /// The name of the new installation.
    pub const fn installation(&self) -> InstallationId {
        self.installation
    }

    /// The keys that were made, for audit entries and output.
    pub fn keys(&self) -> &[TokenKey] {
        self.table.all()
    }

    /// The key that signs the audit log's checkpoints.
    ///
    /// # Errors
    /// None in practice: `init` makes one.
    pub fn sign_key(&self) -> Result<KeySpec, KeysError> {
        self.table.active(KeyPurpose::Sign)
    }

    /// Says in the log which keys in the token nothing uses, because the set-up was not committed.
    pub fn note_unused(&self) {
        note_unused(self.keys());
    }

    /// The rows to be committed. To be asked for last: they say how much of the keyring is in use.
    pub fn changes(&self) -> Changes {
        let mut changes = self.changes.clone();
        self.keyring.len().put(&StoredLens::default(), &mut changes);
        changes
    }

    /// Makes a person's side record, as [`Keys::side_records`] does once the keys are open: the
    /// first officers need theirs in the same unit of work.
    ///
    /// # Errors
    /// [`KeysError::Keyring`].
    pub async fn side_record(
        &self,
        person: PseudonymId,
        record: &[u8],
    ) -> Result<SideRecord, KeysError> {
        let life = Secret32::new(crate::random::bytes());
        let positions = self.keyring.append(vec![self.keyring.seal_person(person, &life)]).await?;
        let position = positions.first().copied().ok_or(KeysError::Missing(Thing::LifeSecret))?;
        Ok(side_record::close(&self.register, (&life, position), person, record))
    }
}

impl std::fmt::Debug for Founding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Founding").field("installation", &self.installation).finish_non_exhaustive()
    }
}

fn note_unused(made: &[TokenKey]) {
    for key in made {
        let (key, purpose) = (key.spec.id, key.spec.purpose.name());
        tracing::error!(%key, purpose, "the set-up failed: nothing uses this key in the HSM");
    }
}

fn installation_row(installation: InstallationId) -> Vec<u8> {
    [[INSTALLATION_VERSION].as_slice(), installation.as_bytes()].concat()
}
