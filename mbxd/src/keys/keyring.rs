//! The keyring: life secrets, kept apart from log and index (`docs/formats/keyring.md`).
//!
//! Whatever lies under a life secret is erased everywhere, in every backup, once the keyring
//! generations that hold the secret are dead.

use super::error::{KeysError, Thing};
use super::fields::take;
use super::keyring_len::KeyringLen;
use super::small::{SALT_LEN, SmallKey, TAG_LEN};
use crate::hsm::Secret32;
use crate::store::back_end::BackEnd;
use crate::store::records::{Records, RecordsError};
use bytes::Bytes;
use mbx_common::assurance::Tier;
use mbx_common::id::{InstallationId, MailboxId, PseudonymId};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// A mailbox's life secrets.
const KIND_MAILBOX: u8 = 1;
/// The life secret of a person's side record.
const KIND_PERSON: u8 = 2;
/// Version, kind, salt.
const HEAD_LEN: usize = 2 + SALT_LEN;
/// Folder of the keyring's files in the state folder.
const FOLDER: &str = "keyring";
/// What the names of files in use end with.
const IN_USE: &str = ".keys";

/// What a life secret of a mailbox keeps readable. The byte stands in the record: never reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LifeTier {
    /// Messages of one tier.
    Messages(Tier),
    /// The register record.
    Register,
}

impl LifeTier {
    const fn code(self) -> u8 {
        match self {
            Self::Messages(tier) => tier.code(),
            Self::Register => 3,
        }
    }
}

/// One life secret of a mailbox.
pub(super) struct Life {
    pub(super) tier: LifeTier,
    /// From 1.
    pub(super) epoch: u32,
    pub(super) secret: Secret32,
}

impl Life {
    const LEN: usize = 1 + 4 + 32;

    /// A fresh one.
    pub(super) fn generate(tier: LifeTier, epoch: u32) -> Self {
        Self { tier, epoch, secret: Secret32::new(crate::random::bytes()) }
    }
}

/// Where a life secret lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct LifePlace {
    pub(super) epoch: u32,
    /// Position of the record in the keyring's file.
    pub(super) position: u64,
}

/// The keyring of the current erasure generation, open.
pub(super) struct Keyring {
    records: Records,
    secret: Secret32,
    generation: u32,
    installation: InstallationId,
}

impl Keyring {
    /// Whether a first keyring may be made: makes the folder, touches nothing in it.
    ///
    /// # Errors
    /// [`KeysError::KeyringThere`] where a keyring in use lies there; [`KeysError::Keyring`].
    pub(super) async fn expect_none(back_end: Arc<dyn BackEnd>) -> Result<(), KeysError> {
        blocking(move || none_in_use(&*back_end)).await
    }

    /// Makes the file of a first generation, under a name of its own until its installation is
    /// committed: nothing that lies there is touched.
    ///
    /// # Errors
    /// [`KeysError::KeyringThere`] where a keyring in use lies there; [`KeysError::Keyring`].
    pub(super) async fn create(
        back_end: Arc<dyn BackEnd>,
        generation: u32,
        secret: Secret32,
        installation: InstallationId,
    ) -> Result<Self, KeysError> {
        let make = move || -> Result<Records, KeysError> {
            none_in_use(&*back_end)?;
            let name = format!("{FOLDER}/{}", founding_name(generation, installation));
            Ok(Records::open(&*back_end, &name)?)
        };
        Ok(Self { records: blocking(make).await?, secret, generation, installation })
    }

    /// Opens the file of a generation, which must be there and have at least the length in use: a
    /// lost one is not replaced by an empty one. One that `init` made gets its name in use.
    ///
    /// # Errors
    /// [`KeysError::Missing`], [`KeysError::KeyringCut`], [`KeysError::KeyringThere`],
    /// [`KeysError::Keyring`].
    pub(super) async fn open_file(
        back_end: Arc<dyn BackEnd>,
        in_use: KeyringLen,
        installation: InstallationId,
    ) -> Result<Records, KeysError> {
        let open = move || -> Result<Records, KeysError> {
            let name = file_name(in_use.generation);
            let founding = founding_name(in_use.generation, installation);
            let files = files(&*back_end)?;
            let has = |name: &str| files.iter().any(|file| file == name);
            let path = format!("{FOLDER}/{name}");
            match (has(&name), has(&founding)) {
                (true, true) => return Err(KeysError::KeyringThere { file: path }),
                (false, false) => return Err(KeysError::Missing(Thing::Keyring)),
                (true, false) => {}
                // Durable by the opening below, which syncs the folder.
                (false, true) => back_end
                    .rename(&format!("{FOLDER}/{founding}"), &path)
                    .map_err(RecordsError::Io)?,
            }
            match Records::open_expecting(&*back_end, &path, in_use.len) {
                Err(RecordsError::Short { end, durable_len }) => {
                    Err(KeysError::KeyringCut { end, in_use: durable_len })
                }
                opened => Ok(opened?),
            }
        };
        blocking(open).await
    }

    /// The keyring in an open file.
    pub(super) const fn new(
        records: Records,
        secret: Secret32,
        generation: u32,
        installation: InstallationId,
    ) -> Self {
        Self { records, secret, generation, installation }
    }

    /// How long it is now: to be stored with whatever uses what was appended before.
    pub(super) fn len(&self) -> KeyringLen {
        KeyringLen { generation: self.generation, len: self.records.len_bytes() }
    }

    /// The record of a mailbox's life secrets.
    pub(super) fn seal_lives(&self, mailbox: MailboxId, lives: &[Life]) -> Bytes {
        let len = lives.len().saturating_mul(Life::LEN).saturating_add(MailboxId::LEN);
        let mut plain = Zeroizing::new(Vec::with_capacity(len));
        plain.extend_from_slice(mailbox.as_bytes());
        for life in lives {
            plain.push(life.tier.code());
            plain.extend_from_slice(&life.epoch.to_be_bytes());
            plain.extend_from_slice(life.secret.expose());
        }
        self.seal(KIND_MAILBOX, &plain)
    }

    /// The record of a person's life secret.
    pub(super) fn seal_person(&self, person: PseudonymId, secret: &Secret32) -> Bytes {
        let mut plain = Zeroizing::new(Vec::with_capacity(PseudonymId::LEN + 32));
        plain.extend_from_slice(person.as_bytes());
        plain.extend_from_slice(secret.expose());
        self.seal(KIND_PERSON, &plain)
    }

    /// Appends records; durable when this returns their positions.
    pub(super) async fn append(&self, records: Vec<Bytes>) -> Result<Vec<u64>, KeysError> {
        let file = self.records.clone();
        blocking(move || Ok(file.append(&records)?)).await
    }

    /// A mailbox's life secret.
    pub(super) async fn life(
        &self,
        mailbox: MailboxId,
        tier: LifeTier,
        place: LifePlace,
    ) -> Result<Secret32, KeysError> {
        let plain = self.read(KIND_MAILBOX, place.position).await?;
        let altered = || KeysError::Altered(Thing::LifeSecret);
        let mut fields = plain.as_slice();
        if take(&mut fields) != Some(*mailbox.as_bytes()) {
            return Err(altered());
        }
        for life in fields.chunks_exact(Life::LEN) {
            let mut life = life;
            let [code] = take(&mut life).ok_or_else(altered)?;
            let epoch = u32::from_be_bytes(take(&mut life).ok_or_else(altered)?);
            if code == tier.code() && epoch == place.epoch {
                return take(&mut life).map(Secret32::new).ok_or_else(altered);
            }
        }
        Err(KeysError::Missing(Thing::LifeSecret))
    }

    /// A person's life secret.
    pub(super) async fn person(
        &self,
        person: PseudonymId,
        position: u64,
    ) -> Result<Secret32, KeysError> {
        let plain = self.read(KIND_PERSON, position).await?;
        let mut fields = plain.as_slice();
        let named: Option<[u8; PseudonymId::LEN]> = take(&mut fields);
        let named = named.is_some_and(|named| bool::from(named.ct_eq(person.as_bytes())));
        let secret = take(&mut fields).filter(|_| named && fields.is_empty());
        secret.map(Secret32::new).ok_or(KeysError::Altered(Thing::LifeSecret))
    }

    fn seal(&self, kind: u8, plain: &[u8]) -> Bytes {
        let salt: [u8; SALT_LEN] = crate::random::bytes();
        let head = [[VERSION, kind].as_slice(), &salt].concat();
        let sealed = self.key(kind, &salt).seal(&[&head], plain);
        [head, sealed].concat().into()
    }

    async fn read(&self, kind: u8, position: u64) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        let file = self.records.clone();
        let record = blocking(move || Ok(file.read(position)?)).await?;
        self.open_record(kind, &record)
    }

    fn open_record(&self, kind: u8, record: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeysError> {
        if let Some(&version) = record.first()
            && version != VERSION
        {
            return Err(KeysError::Version { thing: Thing::LifeSecret, version });
        }
        let altered = || KeysError::Altered(Thing::LifeSecret);
        let (head, sealed) = record.split_at_checked(HEAD_LEN).ok_or_else(altered)?;
        let (named, salt) = head.split_at_checked(2).ok_or_else(altered)?;
        if named != [VERSION, kind] || sealed.len() < TAG_LEN {
            return Err(altered());
        }
        self.key(kind, salt).open(&[head], sealed).ok_or_else(altered)
    }

    /// The key of one record: every record has its own salt, so a torn append reuses nothing.
    fn key(&self, kind: u8, salt: &[u8]) -> SmallKey {
        let generation = self.generation.to_be_bytes();
        let info: [&[u8]; 4] =
            [b"mbx keyring record", &[VERSION, kind], &generation, self.installation.as_bytes()];
        SmallKey::derive(&[self.secret.expose()], salt, &info)
    }
}

/// Name of the file of a generation.
fn file_name(generation: u32) -> String {
    format!("{generation:08}{IN_USE}")
}

/// Its name until the installation is committed: that of no other `init`.
fn founding_name(generation: u32, installation: InstallationId) -> String {
    format!("{generation:08}.{installation}.founding")
}

/// Makes the folder and refuses where a keyring in use lies there.
fn none_in_use(back_end: &dyn BackEnd) -> Result<(), KeysError> {
    back_end.make_folder(FOLDER).map_err(RecordsError::Io)?;
    back_end.sync_folder("").map_err(RecordsError::Io)?;
    match files(back_end)?.iter().find(|name| name.ends_with(IN_USE)) {
        Some(file) => Err(KeysError::KeyringThere { file: format!("{FOLDER}/{file}") }),
        None => Ok(()),
    }
}

fn files(back_end: &dyn BackEnd) -> Result<Vec<String>, RecordsError> {
    match back_end.list(FOLDER) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// Runs what waits for the disk where waiting is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeysError> + Send + 'static,
) -> Result<T, KeysError> {
    let stopped = |_| RecordsError::Io(std::io::Error::other("the daemon is stopping"));
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
