//! Rows that tell a root secret from others, and nothing about it (`docs/formats/root-secret.md`,
//! "Check").
//!
//! A root secret's signature says that this installation made it; the check, that it is the one
//! that rows of today lie under: not one from a credential of elsewhere, not a former one.

use super::error::{KeysError, Thing};
use super::fields::take;
use super::root_secret::RootPurpose;
use super::small::{derive, keyed};
use crate::hsm::Secret32;
use crate::store::{Changes, Expectation, Table};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use mbx_common::id::InstallationId;
use sha2::Sha256;

const VERSION: u8 = 1;

/// The check of one root secret that has no generations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SecretCheck {
    /// Of the register secret.
    Register,
    /// Of the lookup secret.
    Lookup,
}

impl SecretCheck {
    /// What it is the check of.
    pub(super) const fn of(self) -> RootPurpose {
        match self {
            Self::Register => RootPurpose::Register,
            Self::Lookup => RootPurpose::Lookup,
        }
    }

    /// Key of the row in the table `Meta`.
    pub(super) const fn row_key(self) -> &'static [u8] {
        match self {
            Self::Register => b"register check",
            Self::Lookup => b"lookup check",
        }
    }

    /// Its name in errors.
    pub(super) const fn thing(self) -> Thing {
        match self {
            Self::Register => Thing::RegisterCheck,
            Self::Lookup => Thing::LookupCheck,
        }
    }

    /// The row that this secret fits.
    pub(super) fn row(self, secret: &Secret32, installation: InstallationId) -> Bytes {
        let value: [u8; 32] = self.mac(secret, installation).finalize().into_bytes().into();
        [[VERSION].as_slice(), &value].concat().into()
    }

    /// Adds the row to the unit of work that makes the secret.
    pub(super) fn put(self, secret: &Secret32, installation: InstallationId, to: &mut Changes) {
        let key = Bytes::from_static(self.row_key());
        to.expect(Table::Meta, key.clone(), Expectation::Absent);
        to.put(Table::Meta, key, self.row(secret, installation));
    }

    /// Whether the row was made with this secret in this installation; takes equally long for
    /// every secret.
    ///
    /// # Errors
    /// Where it is none of ours.
    pub(super) fn fits(
        self,
        secret: &Secret32,
        installation: InstallationId,
        mut row: &[u8],
    ) -> Result<bool, KeysError> {
        let altered = || KeysError::Altered(self.thing());
        match take(&mut row) {
            Some([VERSION]) if row.len() == 32 => {
                Ok(self.mac(secret, installation).verify_slice(row).is_ok())
            }
            Some([VERSION]) | None => Err(altered()),
            Some([version]) => Err(KeysError::Version { thing: self.thing(), version }),
        }
    }

    fn mac(self, secret: &Secret32, installation: InstallationId) -> Hmac<Sha256> {
        let info: &[u8] = match self {
            Self::Register => b"mbx register check",
            Self::Lookup => b"mbx lookup check",
        };
        let key = derive::<32>(&[secret.expose()], installation.as_bytes(), &[info]);
        keyed(&*key).chain_update(installation.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: InstallationId = InstallationId::from_bytes([9; 16]);
    const BOTH: [SecretCheck; 2] = [SecretCheck::Register, SecretCheck::Lookup];

    fn secret(byte: u8) -> Secret32 {
        Secret32::new([byte; 32])
    }

    #[test]
    fn a_check_row_fits_its_own_secret_installation_and_purpose_alone() {
        for check in BOTH {
            let row = check.row(&secret(1), HERE);
            assert_eq!(row.len(), 33);
            assert!(check.fits(&secret(1), HERE, &row).unwrap());
            assert!(!check.fits(&secret(2), HERE, &row).unwrap());
            let elsewhere = InstallationId::from_bytes([8; 16]);
            assert!(!check.fits(&secret(1), elsewhere, &row).unwrap());
            let others = BOTH.into_iter().filter(|other| *other != check);
            for other in others {
                assert!(!other.fits(&secret(1), HERE, &row).unwrap());
            }
            for bit in 8..row.len() * 8 {
                let mut flipped = row.to_vec();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(!check.fits(&secret(1), HERE, &flipped).unwrap());
            }
        }
    }

    #[test]
    fn a_check_row_of_another_length_or_version_is_refused() {
        let check = SecretCheck::Lookup;
        let row = check.row(&secret(1), HERE);
        for len in 0..row.len() {
            let cut = check.fits(&secret(1), HERE, &row[..len]);
            assert!(matches!(cut, Err(KeysError::Altered(Thing::LookupCheck))));
        }
        assert!(check.fits(&secret(1), HERE, &[&row[..], &[0]].concat()).is_err());
        let later = check.fits(&secret(1), HERE, &[&[2], &row[1..]].concat());
        assert!(matches!(later, Err(KeysError::Version { thing: Thing::LookupCheck, version: 2 })));
    }
}
