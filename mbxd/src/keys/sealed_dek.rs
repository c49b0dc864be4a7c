//! A delivery's DEK, sealed to one mailbox (`docs/formats/sealed-dek.md`).

use super::error::{KeysError, Thing};
use super::key_schedule::{KeySchedule, TAG_LEN};
use super::pair::{PrivateKey, PublicKey};
use super::xwing::{ENC_LEN, encapsulate};
use crate::cipher::{ContentRoot, Dek};
use mbx_common::assurance::{ProtectionClass, Tier};
use mbx_common::id::{DeliveryId, MailboxId, MessageId};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const VERSION: u8 = 1;
/// HPKE info: what is sealed, and the format's version.
const INFO: &[u8] = b"mbx sealed dek\x01";
const CIPHERTEXT_LEN: usize = Dek::LEN + TAG_LEN;

static SCHEDULE: LazyLock<KeySchedule> = LazyLock::new(|| KeySchedule::new(INFO));

/// What a sealed DEK is bound to: it opens for exactly these facts of the message row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Binding {
    /// The mailbox it is sealed to.
    pub mailbox: MailboxId,
    /// The epoch of the mailbox's key.
    pub epoch: u32,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The message in the mailbox.
    pub message: MessageId,
    /// Its protection class; gives the tier.
    pub class: ProtectionClass,
    /// Its place in the delivery, from 0.
    pub place: u32,
    /// The delivery's content root.
    pub root: ContentRoot,
}

impl Binding {
    /// Length of the additional data in bytes.
    const LEN: usize = 91;

    /// The tier whose key it is sealed to.
    pub const fn tier(&self) -> Tier {
        self.class.tier()
    }

    /// The additional authenticated data of the seal.
    pub(super) fn aad(&self) -> Vec<u8> {
        let mut aad = Vec::with_capacity(Self::LEN);
        aad.push(VERSION);
        aad.extend_from_slice(self.mailbox.as_bytes());
        aad.push(self.tier().code());
        aad.extend_from_slice(&self.epoch.to_be_bytes());
        aad.extend_from_slice(self.delivery.as_bytes());
        aad.extend_from_slice(self.message.as_bytes());
        aad.push(self.class.number());
        aad.extend_from_slice(&self.place.to_be_bytes());
        aad.extend_from_slice(self.root.as_bytes());
        aad
    }
}

/// A DEK under a mailbox's public key: 1,169 bytes, part of a message row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedDek(Vec<u8>);

impl SealedDek {
    /// Length in bytes: version (1) ‖ encapsulated key (1,120) ‖ ciphertext and tag (48).
    pub const LEN: usize = 1 + ENC_LEN + CIPHERTEXT_LEN;

    /// Reads a stored one.
    ///
    /// # Errors
    /// [`KeysError::Altered`] for another length, [`KeysError::Version`] for another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeysError> {
        match bytes.first() {
            Some(&VERSION) if bytes.len() == Self::LEN => Ok(Self(bytes.to_vec())),
            Some(&version) if version != VERSION => {
                Err(KeysError::Version { thing: Thing::SealedDek, version })
            }
            _ => Err(KeysError::Altered(Thing::SealedDek)),
        }
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// SHA-256 over the stored form and everything that it is bound to.
    pub(super) fn digest(&self, binding: &Binding) -> [u8; 32] {
        Sha256::new().chain_update(&self.0).chain_update(binding.aad()).finalize().into()
    }
}

/// Seals a DEK to a mailbox's public key: HPKE base mode (RFC 9180) with X-Wing, HKDF-SHA-256 and
/// AES-256-GCM. Needs no HSM. Costs about a twentieth of a millisecond of processor time.
///
/// # Errors
/// [`KeysError::Altered`] where the public key is none that a secret can be agreed on with: ours
/// all are.
pub fn seal_dek(dek: &Dek, public: &PublicKey, binding: &Binding) -> Result<SealedDek, KeysError> {
    let altered = || KeysError::Altered(Thing::DirectoryRow);
    let (enc, shared) = encapsulate(public.as_bytes()).ok_or_else(altered)?;
    let ciphertext = SCHEDULE.seal(&shared, &binding.aad(), dek.expose()).ok_or_else(altered)?;
    Ok(SealedDek([&[VERSION], enc.as_slice(), &ciphertext].concat()))
}

/// Opens a DEK with a mailbox's private key.
///
/// # Errors
/// [`KeysError::Altered`] where it is another mailbox's, or the row says other facts than those
/// it was sealed for.
pub(super) fn open_dek(
    sealed: &SealedDek,
    private: &PrivateKey,
    binding: &Binding,
) -> Result<Dek, KeysError> {
    let open = || {
        let (_version, rest) = sealed.0.split_first()?;
        let (enc, ciphertext) = rest.split_first_chunk::<ENC_LEN>()?;
        let shared = private.decapsulate(enc)?;
        let plain = SCHEDULE.open(&shared, &binding.aad(), ciphertext)?;
        <[u8; Dek::LEN]>::try_from(plain.as_slice()).ok()
    };
    open().map(Dek::from_bytes).ok_or(KeysError::Altered(Thing::SealedDek))
}

#[cfg(test)]
mod tests {
    use super::*;
    use subtle::ConstantTimeEq;

    fn binding() -> Binding {
        Binding {
            mailbox: MailboxId::from_bytes([1; 16]),
            epoch: 1,
            delivery: DeliveryId::from_bytes([2; 16]),
            message: MessageId::from_bytes([3; 16]),
            class: ProtectionClass::Three,
            place: 0,
            root: ContentRoot::from_bytes([4; 32]),
        }
    }

    fn refused(change: impl FnOnce(&mut Binding)) {
        let private = PrivateKey::generate();
        let sealed = seal_dek(&Dek::generate(), &private.public(), &binding()).unwrap();
        let mut other = binding();
        change(&mut other);
        let refusal = open_dek(&sealed, &private, &other).unwrap_err();
        assert!(matches!(refusal, KeysError::Altered(Thing::SealedDek)));
    }

    #[test]
    fn a_sealed_dek_opens_for_the_facts_it_was_sealed_for() {
        let private = PrivateKey::generate();
        let dek = Dek::generate();
        let sealed = seal_dek(&dek, &private.public(), &binding()).unwrap();
        assert_eq!(sealed.as_bytes().len(), SealedDek::LEN);
        let stored = SealedDek::from_bytes(sealed.as_bytes()).unwrap();
        let opened = open_dek(&stored, &private, &binding()).unwrap();
        assert!(bool::from(opened.ct_eq(&dek)));
    }

    #[test]
    fn a_dek_of_another_mailbox_is_refused() {
        refused(|binding| binding.mailbox = MailboxId::from_bytes([9; 16]));
    }

    #[test]
    fn a_dek_of_another_epoch_is_refused() {
        refused(|binding| binding.epoch = 2);
    }

    #[test]
    fn a_dek_of_another_delivery_is_refused() {
        refused(|binding| binding.delivery = DeliveryId::from_bytes([9; 16]));
    }

    #[test]
    fn a_dek_of_another_message_is_refused() {
        refused(|binding| binding.message = MessageId::from_bytes([9; 16]));
    }

    #[test]
    fn a_dek_of_another_tier_is_refused() {
        refused(|binding| binding.class = ProtectionClass::One);
    }

    #[test]
    fn a_dek_of_another_class_of_the_same_tier_is_refused() {
        let private = PrivateKey::generate();
        let one = Binding { class: ProtectionClass::One, ..binding() };
        let two = Binding { class: ProtectionClass::Two, ..binding() };
        let sealed = seal_dek(&Dek::generate(), &private.public(), &one).unwrap();
        assert!(open_dek(&sealed, &private, &one).is_ok());
        assert!(open_dek(&sealed, &private, &two).is_err());
    }

    #[test]
    fn a_dek_of_another_place_is_refused() {
        refused(|binding| binding.place = 1);
    }

    #[test]
    fn a_dek_of_another_content_root_is_refused() {
        refused(|binding| binding.root = ContentRoot::from_bytes([9; 32]));
    }

    #[test]
    fn a_dek_sealed_to_another_key_is_refused() {
        let public = PrivateKey::generate().public();
        let sealed = seal_dek(&Dek::generate(), &public, &binding()).unwrap();
        assert!(open_dek(&sealed, &PrivateKey::generate(), &binding()).is_err());
    }

    #[test]
    fn every_flipped_byte_is_refused() {
        let private = PrivateKey::generate();
        let sealed = seal_dek(&Dek::generate(), &private.public(), &binding()).unwrap();
        for at in (0..SealedDek::LEN).step_by(13).chain([0, 1, 1120, 1121, SealedDek::LEN - 1]) {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 0x10;
            let opened = SealedDek::from_bytes(&bytes)
                .and_then(|sealed| open_dek(&sealed, &private, &binding()));
            assert!(opened.is_err(), "byte {at}");
        }
    }

    #[test]
    fn another_length_or_version_is_refused() {
        let bytes = [[1].as_slice(), &[0; SealedDek::LEN]].concat();
        assert!(SealedDek::from_bytes(&bytes).is_err());
        assert!(SealedDek::from_bytes(&bytes[..SealedDek::LEN - 1]).is_err());
        assert!(SealedDek::from_bytes(&[]).is_err());
        assert!(matches!(
            SealedDek::from_bytes(&[2; SealedDek::LEN]),
            Err(KeysError::Version { thing: Thing::SealedDek, version: 2 })
        ));
    }
}
