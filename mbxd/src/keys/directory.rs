//! Finding recipients and telling repeats: what needs no token, only the lookup secret.

use super::error::KeysError;
use super::handle::Keys;
use super::lookup::{DirectoryKey, DirectoryRow, Found};
use crate::hsm::Secret32;
use crate::store::Table;
use bytes::Bytes;
use mbx_common::id::parse_hex;
use mbx_common::identity::NationalNumber;
use zeroize::Zeroizing;

impl Keys {
    /// Finds where mail for a number goes; the row's MAC is checked.
    ///
    /// Name [`Found::raw`] as an expectation of the commit: then nothing is delivered to a key
    /// that was replaced in the meantime.
    ///
    /// # Errors
    /// [`KeysError::Locked`] while there is no lookup secret; [`KeysError::Altered`] where the row
    /// was exchanged or changed: it is counted, and an alarm.
    pub async fn find(&self, number: &NationalNumber) -> Result<Option<Found>, KeysError> {
        let key = self.lookup()?.directory_key(number);
        self.find_by_key(key).await
    }

    /// The same for a directory key that a row names.
    ///
    /// # Errors
    /// As [`Keys::find`].
    pub async fn find_by_key(&self, key: DirectoryKey) -> Result<Option<Found>, KeysError> {
        let lookup = self.lookup()?;
        let Some(raw) = self.0.store.get(Table::Directory, key.as_bytes()).await? else {
            return Ok(None);
        };
        let row = self.noted(lookup.read(&key, &raw))?;
        Ok(Some(Found { key, raw, row }))
    }

    /// The key of a number's row in the directory.
    ///
    /// # Errors
    /// [`KeysError::Locked`].
    pub fn directory_key(&self, number: &NationalNumber) -> Result<DirectoryKey, KeysError> {
        Ok(self.lookup()?.directory_key(number))
    }

    /// The value of a directory row, with its MAC: for a change of state or key.
    ///
    /// # Errors
    /// [`KeysError::Locked`].
    pub fn directory_value(
        &self,
        key: &DirectoryKey,
        row: &DirectoryRow,
    ) -> Result<Bytes, KeysError> {
        Ok(self.lookup()?.directory_value(key, row))
    }

    /// A keyed mark of some parts, equal for equal parts only: the key of a row that must not tell
    /// what it stands for. Begin with a part that names the purpose.
    ///
    /// # Errors
    /// [`KeysError::Locked`].
    pub fn mark(&self, parts: &[&[u8]]) -> Result<[u8; 32], KeysError> {
        Ok(self.lookup()?.mark(parts))
    }

    /// The lookup secret as text for a systemd credential: 64 hex digits. Whoever has it can tell
    /// from the store who has a mailbox, and can alter the directory unseen.
    ///
    /// # Errors
    /// [`KeysError::Locked`].
    pub fn lookup_credential(&self) -> Result<Zeroizing<String>, KeysError> {
        let open = self.opened()?;
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in open.lookup.secret().expose() {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(digit.into(), 16));
            }
        }
        Ok(text)
    }
}

/// Reads the lookup secret as [`Keys::lookup_credential`] wrote it, with or without a line end.
pub fn parse_lookup_credential(text: &str) -> Option<Secret32> {
    parse_hex(text.strip_suffix('\n').unwrap_or(text)).ok().map(Secret32::new)
}
