//! Making mailboxes and side records, in batches.

use super::error::{KeysError, Thing};
use super::handle::{Keys, Open};
use super::keyring::{Life, LifePlace, LifeTier};
use super::keyring_len::StoredLens;
use super::lookup::{DirectoryKey, DirectoryRow, TierKey};
use super::mailbox_keys::{MailboxKeys, Owner, TierKeys, kek};
use super::pair::PrivateKey;
use super::register;
use super::side_record::{self, SideRecord};
use crate::hsm::Secret32;
use crate::store::{Changes, Expectation, Table};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use mbx_common::assurance::Tier;
use mbx_common::holder::MailboxState;
use mbx_common::id::{MailboxId, PseudonymId};
use mbx_common::identity::NationalNumber;
use mbx_common::limit::REGISTER_BATCH_ROWS_MAX;
use std::fmt;
use zeroize::Zeroizing;

/// Mailboxes in one batch at most: its seals are waited for together.
pub const BATCH_MAX: usize = REGISTER_BATCH_ROWS_MAX;

/// Seals that one batch asks of the token at once: it must not fill the token's queue.
const SEALS_AT_ONCE: usize = 4;

/// Epoch of a new mailbox.
const FIRST: u32 = 1;

/// A mailbox to be made.
pub struct NewMailbox {
    /// Its id: random, never used before.
    pub mailbox: MailboxId,
    /// The number it is kept under.
    pub number: NationalNumber,
    /// What the register keeps of the holder, encoded; comes back encrypted.
    pub record: Zeroizing<Vec<u8>>,
    /// The holder's pseudonym in the audit log, and the side record's content.
    pub person: Option<(PseudonymId, Zeroizing<Vec<u8>>)>,
}

impl fmt::Debug for NewMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMailbox").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

/// A mailbox's keys, ready to be committed with its row and its audit entry.
#[derive(Clone, Debug)]
pub struct MadeMailbox {
    /// Its id.
    pub mailbox: MailboxId,
    /// Key of its directory row.
    pub directory: DirectoryKey,
    /// The register record, encrypted.
    pub record: Vec<u8>,
    /// The side record, where a person was named; its row is in `changes`.
    pub side: Option<SideRecord>,
    /// Directory row, row of the keys, side record: each expected to be absent; and how much of the
    /// keyring they rest on.
    pub changes: Changes,
}

impl Keys {
    /// Makes the keys of mailboxes. Their life secrets are durable when this returns; nothing else
    /// is written: a life secret whose mailbox is never committed is harmless.
    ///
    /// # Errors
    /// [`KeysError::BatchTooLarge`], [`KeysError::Locked`], [`KeysError::Custody`],
    /// [`KeysError::Keyring`].
    pub async fn make_mailboxes(
        &self,
        batch: Vec<NewMailbox>,
    ) -> Result<Vec<MadeMailbox>, KeysError> {
        if batch.len() > BATCH_MAX {
            return Err(KeysError::BatchTooLarge);
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let open = self.opened()?;
        let lives = write_lives(&open, &batch).await?;
        let in_use = self.keyring_in_use(&open).await?;
        let making = batch.into_iter().zip(lives).map(|(new, lives)| {
            let (open, in_use) = (&open, in_use.clone());
            async move { self.make_mailbox(open, new, lives, in_use).await }
        });
        stream::iter(making).buffered(SEALS_AT_ONCE).try_collect().await
    }

    /// Makes side records for persons who have no mailbox here, such as operators. Their life
    /// secrets are durable when this returns; the records' rows are the caller's to commit, in one
    /// unit of work with the changes.
    ///
    /// # Errors
    /// As [`Keys::make_mailboxes`].
    pub async fn side_records(
        &self,
        persons: &[(PseudonymId, Zeroizing<Vec<u8>>)],
    ) -> Result<(Vec<SideRecord>, Changes), KeysError> {
        if persons.len() > BATCH_MAX {
            return Err(KeysError::BatchTooLarge);
        }
        if persons.is_empty() {
            return Ok((Vec::new(), Changes::new()));
        }
        let open = self.opened()?;
        let lives: Vec<Secret32> = persons.iter().map(|_| fresh()).collect();
        let sealed = persons.iter().zip(&lives);
        let sealed = sealed.map(|((person, _), life)| open.keyring.seal_person(*person, life));
        let positions = open.keyring.append(sealed.collect()).await?;
        let made = persons.iter().zip(&lives).zip(positions);
        let made = made.map(|(((person, record), life), position)| {
            side_record::close(&open.register, (life, position), *person, record)
        });
        Ok((made.collect(), self.keyring_in_use(&open).await?))
    }

    /// The change that says how much of the keyring is in use, its present end included.
    async fn keyring_in_use(&self, open: &Open) -> Result<Changes, KeysError> {
        let mut changes = Changes::new();
        let stored = StoredLens::read(&self.0.store).await?;
        open.keyring.len().put(&stored, &mut changes);
        Ok(changes)
    }

    async fn make_mailbox(
        &self,
        open: &Open,
        new: NewMailbox,
        lives: Lives,
        mut changes: Changes,
    ) -> Result<MadeMailbox, KeysError> {
        let place = LifePlace { epoch: FIRST, position: lives.position };
        let (basic, basic_key) = self.make_tier(open, &new, &lives.basic, place).await?;
        let (high, high_key) = self.make_tier(open, &new, &lives.high, place).await?;
        let row = MailboxKeys { basic, high, register: place };
        let record =
            register::close(&open.register, &lives.register.secret, new.mailbox, &new.record);
        let directory = open.lookup.directory_key(&new.number);
        let value = open.lookup.directory_value(
            &directory,
            &DirectoryRow {
                mailbox: new.mailbox,
                state: MailboxState::Active,
                basic: basic_key,
                high: high_key,
            },
        );
        let mut add = |table, key: &[u8], value: Bytes| {
            let key = Bytes::copy_from_slice(key);
            changes.expect(table, key.clone(), Expectation::Absent).put(table, key, value);
        };
        add(Table::Directory, directory.as_bytes(), value);
        add(Table::MailboxKeys, new.mailbox.as_bytes(), row.encode().into());
        let side = new.person.as_ref().zip(lives.person.as_ref());
        let side = side.map(|((person, record), (life, position))| {
            side_record::close(&open.register, (life, *position), *person, record)
        });
        if let Some(side) = &side {
            add(Table::SideRecord, side.person.as_bytes(), side.value.clone());
        }
        Ok(MadeMailbox { mailbox: new.mailbox, directory, record, side, changes })
    }

    async fn make_tier(
        &self,
        open: &Open,
        new: &NewMailbox,
        life: &Life,
        place: LifePlace,
    ) -> Result<(TierKeys, TierKey), KeysError> {
        let LifeTier::Messages(tier) = life.tier else {
            return Err(KeysError::Missing(Thing::LifeSecret));
        };
        let kek = open.table.active(kek(tier))?;
        let wrapping = fresh();
        let sealed = self.0.custody.seal(kek, &wrapping).await?;
        let private = PrivateKey::generate();
        let owner = Owner { mailbox: new.mailbox, tier, epoch: life.epoch };
        let keys =
            TierKeys::close(&private, (&wrapping, sealed), kek.id, (&life.secret, place), owner);
        Ok((keys, TierKey { epoch: life.epoch, public: private.public() }))
    }
}

/// The life secrets of one new mailbox, durable.
struct Lives {
    basic: Life,
    high: Life,
    register: Life,
    /// Where the three lie together.
    position: u64,
    /// The person's, where one was named, and where it lies.
    person: Option<(Secret32, u64)>,
}

/// Writes the life secrets of the whole batch with one append.
async fn write_lives(open: &Open, batch: &[NewMailbox]) -> Result<Vec<Lives>, KeysError> {
    let mut lives = Vec::with_capacity(batch.len());
    let mut records = Vec::with_capacity(batch.len().saturating_mul(2));
    for new in batch {
        let three = [
            Life::generate(LifeTier::Messages(Tier::Basic), FIRST),
            Life::generate(LifeTier::Messages(Tier::High), FIRST),
            Life::generate(LifeTier::Register, FIRST),
        ];
        records.push(open.keyring.seal_lives(new.mailbox, &three));
        let person = new.person.as_ref().map(|(person, _)| {
            let life = fresh();
            records.push(open.keyring.seal_person(*person, &life));
            life
        });
        lives.push((three, person));
    }
    let mut positions = open.keyring.append(records).await?.into_iter();
    let mut next = || positions.next().ok_or(KeysError::Missing(Thing::LifeSecret));
    let placed = lives.into_iter().map(|(three, person)| {
        let [basic, high, register] = three;
        let position = next()?;
        let person = person.map(|life| Ok::<_, KeysError>((life, next()?))).transpose()?;
        Ok(Lives { basic, high, register, position, person })
    });
    placed.collect()
}

fn fresh() -> Secret32 {
    Secret32::new(crate::random::bytes())
}
