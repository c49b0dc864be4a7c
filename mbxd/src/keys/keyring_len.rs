//! How much of the keyring is in use: stored in the unit of work that uses it, so that a keyring
//! that was cut or rolled back is found at opening (`docs/formats/keyring.md`, "Length in use").
//!
//! The length stands in the row's key. Units of work that use the keyring may be committed in
//! another order than they appended, and a row that each wrote anew could then go backwards.

use super::error::{KeysError, Thing};
use super::fields::take;
use crate::store::{Changes, KeyRange, Store, Table};
use bytes::Bytes;

/// What the keys of these rows in the table `Meta` begin with.
const PREFIX: &[u8] = b"keyring/len/";
const VERSION: u8 = 1;
/// Rows read at once. One unit of work leaves one; more are there only where units overtook each
/// other.
const ROWS_MAX: usize = 100;

/// A length of the keyring's file that something in the store rests on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct KeyringLen {
    /// The erasure generation whose file it is.
    pub(super) generation: u32,
    /// Bytes.
    pub(super) len: u64,
}

impl KeyringLen {
    /// The greatest that is stored.
    ///
    /// # Errors
    /// [`KeysError::Missing`] where there is none; [`KeysError::Altered`], [`KeysError::Version`].
    pub(super) async fn newest(store: &Store) -> Result<Self, KeysError> {
        let page = store.scan(Table::Meta, KeyRange::prefix(PREFIX).backwards(), 1).await?;
        let (key, row) = page.rows.first().ok_or(KeysError::Missing(Thing::KeyringLen))?;
        match row[..] {
            [VERSION] => Self::of_key(key).ok_or(KeysError::Altered(Thing::KeyringLen)),
            [version] => Err(KeysError::Version { thing: Thing::KeyringLen, version }),
            _ => Err(KeysError::Altered(Thing::KeyringLen)),
        }
    }

    /// Adds the row to a unit of work that uses the keyring up to here, and takes away the rows of
    /// lesser lengths.
    pub(super) fn put(self, stored: &StoredLens, changes: &mut Changes) {
        let key = self.key();
        for lesser in stored.0.iter().filter(|stored| **stored < key) {
            changes.delete(Table::Meta, lesser.clone());
        }
        changes.put(Table::Meta, key, vec![VERSION]);
    }

    fn key(self) -> Bytes {
        [PREFIX, &self.generation.to_be_bytes(), &self.len.to_be_bytes()].concat().into()
    }

    fn of_key(key: &[u8]) -> Option<Self> {
        let mut fields = key.strip_prefix(PREFIX)?;
        let generation = u32::from_be_bytes(take(&mut fields)?);
        let len = u64::from_be_bytes(take(&mut fields)?);
        fields.is_empty().then_some(Self { generation, len })
    }
}

/// Keys of the rows that are stored, in ascending order.
#[derive(Default)]
pub(super) struct StoredLens(Vec<Bytes>);

impl StoredLens {
    /// Reads them.
    ///
    /// # Errors
    /// Where the rows cannot be read.
    pub(super) async fn read(store: &Store) -> Result<Self, KeysError> {
        let page = store.scan(Table::Meta, KeyRange::prefix(PREFIX), ROWS_MAX).await?;
        Ok(Self(page.rows.into_iter().map(|(key, _)| key).collect()))
    }
}
