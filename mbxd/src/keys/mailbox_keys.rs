//! The keys of one mailbox at rest (`docs/formats/mailbox-keys.md`).

use super::error::{KeysError, Thing};
use super::fields::{put_short, take, take_short};
use super::keyring::LifePlace;
use super::pair::PrivateKey;
use super::small::{SmallKey, TAG_LEN};
use crate::hsm::{KeyPurpose, Sealed, Secret32};
use mbx_common::assurance::Tier;
use mbx_common::id::{KeyId, MailboxId};
use subtle::ConstantTimeEq;

const VERSION: u8 = 1;
const PRIVATE_LEN: usize = PrivateKey::LEN + TAG_LEN;

/// The key of the token that seals a tier's W's.
pub(super) const fn kek(tier: Tier) -> KeyPurpose {
    match tier {
        Tier::Basic => KeyPurpose::KekBasic,
        Tier::High => KeyPurpose::KekHigh,
    }
}

/// The row of the table `MailboxKeys`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct MailboxKeys {
    pub(super) basic: TierKeys,
    pub(super) high: TierKeys,
    /// Where the life secret of the register record lies.
    pub(super) register: LifePlace,
}

/// The keys of one tier.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TierKeys {
    /// Where the tier's life secret lies; its epoch is the tier's.
    pub(super) life: LifePlace,
    /// The KEK that W is sealed under.
    pub(super) kek: KeyId,
    /// SHA-256 of the public key; the private key's tag covers it.
    fingerprint: [u8; 32],
    /// Private key, encrypted, and tag.
    private: [u8; PRIVATE_LEN],
    /// W under the KEK.
    pub(super) sealed: Sealed,
}

/// Whose key it is: what the derivation and the tag are bound to.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) mailbox: MailboxId,
    pub(super) tier: Tier,
    pub(super) epoch: u32,
}

impl Owner {
    /// The key over the private key: both W and L are needed.
    fn key(&self, wrapping: &Secret32, life: &Secret32) -> SmallKey {
        let info: [&[u8]; 3] =
            [b"mbx mailbox key", &[VERSION, self.tier.code()], &self.epoch.to_be_bytes()];
        SmallKey::derive(&[wrapping.expose(), life.expose()], self.mailbox.as_bytes(), &info)
    }

    /// What the tag covers besides the ciphertext.
    fn covered(&self, fingerprint: &[u8; 32]) -> Vec<u8> {
        let mut covered = vec![VERSION];
        covered.extend_from_slice(self.mailbox.as_bytes());
        covered.push(self.tier.code());
        covered.extend_from_slice(&self.epoch.to_be_bytes());
        covered.extend_from_slice(fingerprint);
        covered
    }
}

impl TierKeys {
    /// Encrypts a new private key.
    pub(super) fn close(
        private: &PrivateKey,
        (wrapping, sealed): (&Secret32, Sealed),
        kek: KeyId,
        (life, place): (&Secret32, LifePlace),
        owner: Owner,
    ) -> Self {
        let fingerprint = private.public().fingerprint();
        let covered = owner.covered(&fingerprint);
        let closed = owner.key(wrapping, life).seal(&[&covered], &private.seed()[..]);
        // A seed of 32 bytes and a tag of 32 are 64 bytes.
        let private = closed.try_into().unwrap_or_else(|_| std::process::abort());
        Self { life: place, kek, fingerprint, private, sealed }
    }

    /// Decrypts the private key. It fits the public key whose fingerprint the tag covers.
    pub(super) fn open(
        &self,
        wrapping: &Secret32,
        life: &Secret32,
        owner: Owner,
    ) -> Result<PrivateKey, KeysError> {
        let altered = || KeysError::Altered(Thing::MailboxKeys);
        let covered = owner.covered(&self.fingerprint);
        let seed = owner.key(wrapping, life).open(&[&covered], &self.private);
        let private = PrivateKey::from_seed(&seed.ok_or_else(altered)?).ok_or_else(altered)?;
        let fits = private.public().fingerprint().ct_eq(&self.fingerprint);
        if bool::from(fits) { Ok(private) } else { Err(altered()) }
    }

    fn put(&self, row: &mut Vec<u8>) {
        row.extend_from_slice(&self.life.epoch.to_be_bytes());
        row.extend_from_slice(&self.life.position.to_be_bytes());
        row.extend_from_slice(self.kek.as_bytes());
        row.extend_from_slice(&self.fingerprint);
        row.extend_from_slice(&self.private);
        put_short(row, &self.sealed.0);
    }

    fn take(row: &mut &[u8]) -> Option<Self> {
        Some(Self {
            life: take_place(row)?,
            kek: KeyId::from_bytes(take(row)?),
            fingerprint: take(row)?,
            private: take(row)?,
            sealed: Sealed(take_short(row)?.to_vec()),
        })
    }
}

impl MailboxKeys {
    /// The keys of a tier.
    pub(super) const fn tier(&self, tier: Tier) -> &TierKeys {
        match tier {
            Tier::Basic => &self.basic,
            Tier::High => &self.high,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = vec![VERSION];
        row.extend_from_slice(&self.register.epoch.to_be_bytes());
        row.extend_from_slice(&self.register.position.to_be_bytes());
        self.basic.put(&mut row);
        self.high.put(&mut row);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Result<Self, KeysError> {
        match row.split_first() {
            Some((&VERSION, fields)) => {
                Self::fields(fields).ok_or(KeysError::Altered(Thing::MailboxKeys))
            }
            Some((&version, _)) => Err(KeysError::Version { thing: Thing::MailboxKeys, version }),
            None => Err(KeysError::Altered(Thing::MailboxKeys)),
        }
    }

    fn fields(mut row: &[u8]) -> Option<Self> {
        let register = take_place(&mut row)?;
        let basic = TierKeys::take(&mut row)?;
        let high = TierKeys::take(&mut row)?;
        row.is_empty().then_some(Self { basic, high, register })
    }
}

fn take_place(row: &mut &[u8]) -> Option<LifePlace> {
    let epoch = u32::from_be_bytes(take(row)?);
    Some(LifePlace { epoch, position: u64::from_be_bytes(take(row)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const OWNER: Owner =
        Owner { mailbox: MailboxId::from_bytes([1; 16]), tier: Tier::High, epoch: 3 };
    static W: LazyLock<Secret32> = LazyLock::new(|| Secret32::new([2; 32]));
    static L: LazyLock<Secret32> = LazyLock::new(|| Secret32::new([3; 32]));

    fn closed(private: &PrivateKey) -> TierKeys {
        let place = LifePlace { epoch: 3, position: 77 };
        let kek = KeyId::from_bytes([4; 16]);
        TierKeys::close(private, (&W, Sealed(vec![5; 79])), kek, (&L, place), OWNER)
    }

    fn row() -> MailboxKeys {
        let tier = closed(&PrivateKey::generate());
        let register = LifePlace { epoch: 1, position: 9 };
        MailboxKeys { basic: tier.clone(), high: tier, register }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_private_key_with_a_flipped_bit_is_refused(at in 0..PRIVATE_LEN, bit in 0_u8..8) {
            let mut keys = closed(&PrivateKey::generate());
            keys.private[at] ^= 1 << bit;
            prop_assert!(keys.open(&W, &L, OWNER).is_err());
        }

        #[test]
        fn a_row_round_trips_and_a_cut_one_is_refused(at: prop::sample::Index) {
            let row = row();
            let bytes = row.encode();
            prop_assert_eq!(&MailboxKeys::decode(&bytes).unwrap(), &row);
            prop_assert!(MailboxKeys::decode(&bytes[..at.index(bytes.len())]).is_err());
        }
    }

    #[test]
    fn a_private_key_opens_with_w_and_l_together_only() {
        let private = PrivateKey::generate();
        let keys = closed(&private);
        let opened = keys.open(&W, &L, OWNER).unwrap();
        assert!(opened.public() == private.public());
        assert!(keys.open(&L, &W, OWNER).is_err());
        assert!(keys.open(&W, &W, OWNER).is_err());
        assert!(keys.open(&L, &L, OWNER).is_err());
    }

    #[test]
    fn a_private_key_of_another_mailbox_tier_or_epoch_is_refused() {
        let keys = closed(&PrivateKey::generate());
        let others = [
            Owner { mailbox: MailboxId::from_bytes([9; 16]), ..OWNER },
            Owner { tier: Tier::Basic, ..OWNER },
            Owner { epoch: 4, ..OWNER },
        ];
        for other in others {
            assert!(keys.open(&W, &L, other).is_err());
        }
    }

    #[test]
    fn the_fingerprint_of_another_public_key_is_refused() {
        let mut keys = closed(&PrivateKey::generate());
        keys.fingerprint = PrivateKey::generate().public().fingerprint();
        assert!(keys.open(&W, &L, OWNER).is_err());
    }

    #[test]
    fn a_private_key_under_a_sound_tag_but_of_another_public_key_is_refused() {
        let (private, other) = (PrivateKey::generate(), PrivateKey::generate());
        let mut keys = closed(&private);
        keys.fingerprint = other.public().fingerprint();
        let covered = OWNER.covered(&keys.fingerprint);
        let sealed = OWNER.key(&W, &L).seal(&[&covered], &private.seed()[..]);
        keys.private = sealed.try_into().unwrap();
        assert!(keys.open(&W, &L, OWNER).is_err());
    }

    #[test]
    fn a_longer_row_and_a_later_version_are_refused() {
        let mut bytes = row().encode();
        bytes.push(0);
        assert!(MailboxKeys::decode(&bytes).is_err());
        bytes[0] = 2;
        assert!(matches!(
            MailboxKeys::decode(&bytes),
            Err(KeysError::Version { thing: Thing::MailboxKeys, version: 2 })
        ));
    }
}
