//! What the lookup secret gives: finding recipients, and telling repeats.

use super::error::{KeysError, Thing};
use super::fields::take;
use super::pair::PublicKey;
use super::small::{derive, keyed};
use crate::hsm::Secret32;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use mbx_common::assurance::Tier;
use mbx_common::holder::MailboxState;
use mbx_common::id::{InstallationId, MailboxId};
use mbx_common::identity::NationalNumber;
use sha2::Sha256;
use std::fmt;

const VERSION: u8 = 1;
/// Length of a row without its tag.
const BODY_LEN: usize = 2 + MailboxId::LEN + 2 * (4 + PublicKey::LEN);

/// Key of a directory row: HMAC of the national number. Tells nothing without the lookup secret.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct DirectoryKey([u8; DirectoryKey::LEN]);

impl DirectoryKey {
    /// Length in bytes.
    pub const LEN: usize = 32;

    /// One that was stored.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the row's key.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryKey(redacted)")
    }
}

/// The public key of one tier and its epoch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TierKey {
    /// The epoch, from 1; raised by every erasure run that touches the mailbox.
    pub epoch: u32,
    /// The key that deliveries are sealed to.
    pub public: PublicKey,
}

/// Where mail for one number goes: a row of the delivery directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DirectoryRow {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its state.
    pub state: MailboxState,
    /// The key for classes 1–2.
    pub basic: TierKey,
    /// The key for class 3.
    pub high: TierKey,
}

impl DirectoryRow {
    /// The key of a tier.
    pub const fn tier(&self, tier: Tier) -> &TierKey {
        match tier {
            Tier::Basic => &self.basic,
            Tier::High => &self.high,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(BODY_LEN);
        row.extend_from_slice(&[VERSION, self.state.code()]);
        row.extend_from_slice(self.mailbox.as_bytes());
        for key in [&self.basic, &self.high] {
            row.extend_from_slice(&key.epoch.to_be_bytes());
            row.extend_from_slice(key.public.as_bytes());
        }
        row
    }

    fn decode(mut row: &[u8]) -> Option<Self> {
        let [_, state] = take(&mut row)?;
        let state = MailboxState::from_code(state)?;
        let mailbox = MailboxId::from_bytes(take(&mut row)?);
        let mut key = || {
            let epoch = u32::from_be_bytes(take(&mut row)?);
            let public = PublicKey::from_bytes(&take::<{ PublicKey::LEN }>(&mut row)?)?;
            Some(TierKey { epoch, public })
        };
        let (basic, high) = (key()?, key()?);
        row.is_empty().then_some(Self { mailbox, state, basic, high })
    }
}

/// A directory row as it stands in the store.
#[derive(Clone, Debug)]
pub struct Found {
    /// The row's key.
    pub key: DirectoryKey,
    /// The row's bytes: a commit may expect exactly these.
    pub raw: Bytes,
    /// What they say; the MAC was checked.
    pub row: DirectoryRow,
}

/// The keys under the lookup secret.
pub(super) struct Lookup {
    secret: Secret32,
    number: Hmac<Sha256>,
    row: Hmac<Sha256>,
    mark: Hmac<Sha256>,
}

impl Lookup {
    pub(super) fn new(secret: Secret32, installation: InstallationId) -> Self {
        let key = |purpose: &[u8]| {
            keyed(&*derive::<32>(&[secret.expose()], installation.as_bytes(), &[purpose]))
        };
        Self {
            number: key(b"mbx directory number"),
            row: key(b"mbx directory row"),
            mark: key(b"mbx mark"),
            secret,
        }
    }

    /// The secret itself, for a credential.
    pub(super) const fn secret(&self) -> &Secret32 {
        &self.secret
    }

    pub(super) fn directory_key(&self, number: &NationalNumber) -> DirectoryKey {
        let mut mac = self.number.clone();
        mac.update(number.digits());
        DirectoryKey(mac.finalize().into_bytes().into())
    }

    pub(super) fn directory_value(&self, key: &DirectoryKey, row: &DirectoryRow) -> Bytes {
        self.tagged(key, row.encode()).into()
    }

    /// A row's fields and its MAC.
    pub(super) fn tagged(&self, key: &DirectoryKey, mut row: Vec<u8>) -> Vec<u8> {
        let tag = self.row_mac(key, &row).finalize().into_bytes();
        row.extend_from_slice(&tag);
        row
    }

    /// Checks the MAC of a row that stands under this key, then reads it.
    pub(super) fn read(&self, key: &DirectoryKey, raw: &[u8]) -> Result<DirectoryRow, KeysError> {
        let altered = || KeysError::Altered(Thing::DirectoryRow);
        if let Some(&version) = raw.first()
            && version != VERSION
        {
            return Err(KeysError::Version { thing: Thing::DirectoryRow, version });
        }
        let (body, tag) = raw.split_at_checked(BODY_LEN).ok_or_else(altered)?;
        self.row_mac(key, body).verify_slice(tag).map_err(|_| altered())?;
        DirectoryRow::decode(body).ok_or_else(altered)
    }

    /// HMAC over parts, each with its length before it: equal only for equal parts.
    pub(super) fn mark(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mark.clone();
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn row_mac(&self, key: &DirectoryKey, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.row.clone();
        mac.update(&key.0);
        mac.update(body);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::PrivateKey;
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ROW: LazyLock<DirectoryRow> = LazyLock::new(|| DirectoryRow {
        mailbox: MailboxId::from_bytes([7; 16]),
        state: MailboxState::Active,
        basic: TierKey { epoch: 1, public: PrivateKey::generate().public() },
        high: TierKey { epoch: 2, public: PrivateKey::generate().public() },
    });

    fn lookup(secret: u8) -> Lookup {
        Lookup::new(Secret32::new([secret; 32]), InstallationId::from_bytes([9; 16]))
    }

    fn number(text: &str) -> NationalNumber {
        text.parse().unwrap()
    }

    const NUMBER: &str = "191212121212";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_row_with_a_flipped_bit_or_cut_short_is_refused(at: prop::sample::Index, bit in 0_u8..8) {
            let lookup = lookup(1);
            let key = lookup.directory_key(&number(NUMBER));
            let raw = lookup.directory_value(&key, &ROW);
            let at = at.index(raw.len());
            prop_assert!(lookup.read(&key, &raw[..at]).is_err());
            let mut flipped = raw.to_vec();
            flipped[at] ^= 1 << bit;
            prop_assert!(lookup.read(&key, &flipped).is_err());
        }

        #[test]
        fn marks_are_equal_for_equal_parts_only(a: Vec<u8>, b: Vec<u8>, cut: prop::sample::Index) {
            let lookup = lookup(1);
            let whole = [a.as_slice(), &b].concat();
            let cut = cut.index(whole.len() + 1);
            let equal = cut == a.len();
            let other = lookup.mark(&[&whole[..cut], &whole[cut..]]);
            prop_assert_eq!(lookup.mark(&[&a, &b]) == other, equal);
        }
    }

    #[test]
    fn a_row_reads_back_under_its_own_number() {
        let lookup = lookup(1);
        let key = lookup.directory_key(&number(NUMBER));
        let raw = lookup.directory_value(&key, &ROW);
        assert_eq!(lookup.read(&key, &raw).unwrap(), *ROW);
    }

    #[test]
    fn a_number_pointed_at_anothers_row_is_refused() {
        let lookup = lookup(1);
        let mine = lookup.directory_key(&number(NUMBER));
        let other = lookup.directory_key(&number("189001019802"));
        assert_ne!(mine, other);
        let raw = lookup.directory_value(&other, &ROW);
        assert!(matches!(lookup.read(&mine, &raw), Err(KeysError::Altered(Thing::DirectoryRow))));
    }

    #[test]
    fn a_row_with_anothers_public_key_is_refused() {
        let lookup = lookup(1);
        let key = lookup.directory_key(&number(NUMBER));
        let mut raw = lookup.directory_value(&key, &ROW).to_vec();
        let public = PrivateKey::generate().public();
        raw[22..22 + PublicKey::LEN].copy_from_slice(public.as_bytes());
        assert!(lookup.read(&key, &raw).is_err());
    }

    #[test]
    fn another_lookup_secret_or_installation_finds_and_accepts_nothing() {
        let mine = lookup(1);
        let elsewhere = Lookup::new(Secret32::new([1; 32]), InstallationId::from_bytes([8; 16]));
        let key = mine.directory_key(&number(NUMBER));
        let raw = mine.directory_value(&key, &ROW);
        for other in [lookup(2), elsewhere] {
            assert_ne!(other.directory_key(&number(NUMBER)), key);
            assert!(other.read(&key, &raw).is_err());
            assert_ne!(other.mark(&[b"x"]), mine.mark(&[b"x"]));
        }
    }
}
