//! The table of keys in the token (`docs/formats/root-secret.md`, "Key table").

use super::error::{KeysError, Thing};
use super::fields::take;
use crate::hsm::{KeyPurpose, KeySpec};
use crate::store::{Changes, Expectation, KeyRange, Store, Table};
use bytes::Bytes;
use mbx_common::id::KeyId;
use mbx_common::time::Timestamp;

const VERSION: u8 = 1;
/// Keys that one installation may have at most: rotation makes a few a year.
const KEYS_MAX: usize = 10_000;

/// What a key in the token may still do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Seals and opens.
    Active,
    /// Opens only: another version seals.
    Retired,
    /// Gone from the token; the row remembers that it was there.
    Destroyed,
}

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Retired, Self::Destroyed];

    /// The byte in the row.
    pub const fn code(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Retired => 2,
            Self::Destroyed => 3,
        }
    }

    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Destroyed => "destroyed",
        }
    }
}

/// One key in the token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenKey {
    /// Its id, purpose and version.
    pub spec: KeySpec,
    /// What it may still do.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
}

impl TokenKey {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = vec![VERSION, self.spec.purpose.code()];
        row.extend_from_slice(&self.spec.version.to_be_bytes());
        row.push(self.state.code());
        row.extend_from_slice(&self.created.as_millis().to_be_bytes());
        row
    }

    pub(super) fn decode(id: &[u8], row: &[u8]) -> Result<Self, KeysError> {
        match row.first() {
            Some(&VERSION) => Self::fields(id, row).ok_or(KeysError::Altered(Thing::KeyRow)),
            Some(&version) => Err(KeysError::Version { thing: Thing::KeyRow, version }),
            None => Err(KeysError::Altered(Thing::KeyRow)),
        }
    }

    fn fields(id: &[u8], mut row: &[u8]) -> Option<Self> {
        let [_, purpose] = take(&mut row)?;
        let version = u32::from_be_bytes(take(&mut row)?);
        let [state] = take(&mut row)?;
        let created = Timestamp::from_millis(u64::from_be_bytes(take(&mut row)?)).ok()?;
        let purpose = KeyPurpose::ALL.into_iter().find(|known| known.code() == purpose)?;
        let state = KeyState::ALL.into_iter().find(|known| known.code() == state)?;
        let spec = KeySpec { id: KeyId::from_slice(id)?, purpose, version };
        row.is_empty().then_some(Self { spec, state, created })
    }
}

/// Every key of this installation, by purpose and version.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyTable(Vec<TokenKey>);

impl KeyTable {
    /// A table of these keys.
    pub(super) fn new(mut keys: Vec<TokenKey>) -> Self {
        keys.sort_unstable_by_key(|key| (key.spec.purpose, key.spec.version));
        Self(keys)
    }

    /// Reads the table; empty where `init` was never run.
    pub(super) async fn load(store: &Store) -> Result<Self, KeysError> {
        let page = store.scan(Table::Key, KeyRange::all(), KEYS_MAX).await?;
        let keys = page.rows.iter().map(|(id, row)| TokenKey::decode(id, row));
        Ok(Self::new(keys.collect::<Result<_, _>>()?))
    }

    /// Adds the rows of keys that were just made.
    pub(super) fn put(&self, changes: &mut Changes) {
        for key in &self.0 {
            let id = Bytes::copy_from_slice(key.spec.id.as_bytes());
            changes.expect(Table::Key, id.clone(), Expectation::Absent);
            changes.put(Table::Key, id, key.encode());
        }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every key.
    pub(super) fn all(&self) -> &[TokenKey] {
        &self.0
    }

    /// The key that seals for a purpose: the newest active one.
    pub(super) fn active(&self, purpose: KeyPurpose) -> Result<KeySpec, KeysError> {
        let active = |key: &&TokenKey| key.spec.purpose == purpose && key.state == KeyState::Active;
        let newest = self.0.iter().rev().find(active);
        newest.map(|key| key.spec).ok_or(KeysError::Missing(Thing::KeyRow))
    }

    /// The key of this id, where it is in the table and may still be used.
    pub(super) fn usable(&self, id: KeyId) -> Option<KeySpec> {
        let found = self.0.iter().find(|key| key.spec.id == id)?;
        (found.state != KeyState::Destroyed).then_some(found.spec)
    }

    /// Every key that must be in the token.
    pub(super) fn present(&self) -> Vec<KeySpec> {
        let kept = self.0.iter().filter(|key| key.state != KeyState::Destroyed);
        kept.map(|key| key.spec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = TokenKey> {
        (any::<[u8; 16]>(), 0_usize..6, 1_u32.., 0_usize..3, 0_u64..200_000_000_000_000).prop_map(
            |(id, purpose, version, state, created)| TokenKey {
                spec: KeySpec {
                    id: KeyId::from_bytes(id),
                    purpose: KeyPurpose::ALL[purpose],
                    version,
                },
                state: KeyState::ALL[state],
                created: Timestamp::from_millis(created).unwrap(),
            },
        )
    }

    proptest! {
        #[test]
        fn a_row_round_trips_and_a_cut_or_longer_one_is_refused(key in key()) {
            let row = key.encode();
            let id = key.spec.id.as_bytes();
            prop_assert_eq!(TokenKey::decode(id, &row).unwrap(), key);
            for cut in 0..row.len() {
                prop_assert!(TokenKey::decode(id, &row[..cut]).is_err());
            }
            prop_assert!(TokenKey::decode(id, &[row, vec![0]].concat()).is_err());
        }
    }

    #[test]
    fn a_row_of_a_later_version_is_told_apart() {
        assert!(matches!(
            TokenKey::decode(&[0; 16], &[2; 15]),
            Err(KeysError::Version { thing: Thing::KeyRow, version: 2 })
        ));
    }

    #[test]
    fn the_newest_active_version_seals_and_destroyed_keys_are_not_expected() {
        let key = |id: u8, version, state| TokenKey {
            spec: KeySpec {
                id: KeyId::from_bytes([id; 16]),
                purpose: KeyPurpose::KekHigh,
                version,
            },
            state,
            created: Timestamp::EPOCH,
        };
        let table = KeyTable::new(vec![
            key(3, 3, KeyState::Active),
            key(1, 1, KeyState::Destroyed),
            key(2, 2, KeyState::Retired),
        ]);
        assert_eq!(table.active(KeyPurpose::KekHigh).unwrap().version, 3);
        assert!(table.active(KeyPurpose::KekBasic).is_err());
        assert_eq!(table.present().len(), 2);
        assert!(table.usable(KeyId::from_bytes([1; 16])).is_none());
        assert!(table.usable(KeyId::from_bytes([2; 16])).is_some());
    }
}
