//! Side records of the audit log: who a pseudonym stands for (`docs/formats/register-record.md`,
//! "Side record").
//!
//! The log's leaf holds a salted commitment, the salt stands here: erasing the person's life
//! secret leaves the tree intact and the commitment without meaning.

use super::error::{KeysError, Thing};
use super::fields::take;
use super::small::{SALT_LEN, SmallKey};
use crate::hsm::Secret32;
use bytes::Bytes;
use mbx_common::id::PseudonymId;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEAD_LEN: usize = 1 + 8 + SALT_LEN;

/// A side record to be committed with the audit entry that names it.
#[derive(Clone, Debug)]
pub struct SideRecord {
    /// The pseudonym: the row's key in the table `SideRecord`.
    pub person: PseudonymId,
    /// The row's value.
    pub value: Bytes,
    /// SHA-256(salt ‖ record): the fact that the entry carries.
    pub commitment: [u8; 32],
}

/// Encrypts a side record under the register secret and the person's life secret.
pub(super) fn close(
    register: &Secret32,
    (life, position): (&Secret32, u64),
    person: PseudonymId,
    record: &[u8],
) -> SideRecord {
    let salt: [u8; SALT_LEN] = crate::random::bytes();
    let commitment_salt: [u8; SALT_LEN] = crate::random::bytes();
    let mut plain = Zeroizing::new(Vec::with_capacity(SALT_LEN.saturating_add(record.len())));
    plain.extend_from_slice(&commitment_salt);
    plain.extend_from_slice(record);
    let head = [[VERSION].as_slice(), &position.to_be_bytes(), &salt].concat();
    let covered: [&[u8]; 2] = [&head, person.as_bytes()];
    let sealed = key(register, life, &salt).seal(&covered, &plain);
    let commitment = Sha256::digest(&*plain).into();
    SideRecord { person, value: [head, sealed].concat().into(), commitment }
}

/// Where the person's life secret lies.
pub(super) fn position(value: &[u8]) -> Result<u64, KeysError> {
    let mut fields = value;
    match take(&mut fields) {
        Some([VERSION]) => {
            take(&mut fields).map(u64::from_be_bytes).ok_or(KeysError::Altered(Thing::SideRecord))
        }
        Some([version]) => Err(KeysError::Version { thing: Thing::SideRecord, version }),
        None => Err(KeysError::Altered(Thing::SideRecord)),
    }
}

/// An opened side record.
pub struct Unveiled {
    /// What was recorded of the person.
    pub record: Zeroizing<Vec<u8>>,
    /// The commitment that the log's leaf must hold.
    pub commitment: [u8; 32],
}

impl std::fmt::Debug for Unveiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unveiled(redacted)")
    }
}

/// Decrypts the side record of this person.
pub(super) fn open(
    register: &Secret32,
    life: &Secret32,
    person: PseudonymId,
    value: &[u8],
) -> Result<Unveiled, KeysError> {
    let altered = || KeysError::Altered(Thing::SideRecord);
    let (head, sealed) = value.split_at_checked(HEAD_LEN).ok_or_else(altered)?;
    let salt = head.get(9..).ok_or_else(altered)?;
    let covered: [&[u8]; 2] = [head, person.as_bytes()];
    let plain = key(register, life, salt).open(&covered, sealed).ok_or_else(altered)?;
    let commitment = Sha256::digest(&*plain).into();
    let record = plain.get(SALT_LEN..).ok_or_else(altered)?;
    Ok(Unveiled { record: Zeroizing::new(record.to_vec()), commitment })
}

fn key(register: &Secret32, life: &Secret32, salt: &[u8]) -> SmallKey {
    let info: [&[u8]; 2] = [b"mbx side record", &[VERSION]];
    SmallKey::derive(&[register.expose(), life.expose()], salt, &info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERSON: PseudonymId = PseudonymId::from_bytes([1; 16]);

    fn secret(byte: u8) -> Secret32 {
        Secret32::new([byte; 32])
    }

    proptest! {
        #[test]
        fn a_record_round_trips_and_every_flipped_bit_or_cut_is_refused(
            plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8
        ) {
            let made = close(&secret(1), (&secret(2), 77), PERSON, &plain);
            let read = |value: &[u8]| open(&secret(1), &secret(2), PERSON, value);
            let unveiled = read(&made.value).unwrap();
            prop_assert_eq!(unveiled.record.to_vec(), plain);
            prop_assert_eq!(unveiled.commitment, made.commitment);
            prop_assert_eq!(position(&made.value).unwrap(), 77);
            let at = at.index(made.value.len());
            prop_assert!(read(&made.value[..at]).is_err());
            let mut flipped = made.value.to_vec();
            flipped[at] ^= 1 << bit;
            prop_assert!(read(&flipped).is_err());
        }
    }

    #[test]
    fn a_record_of_another_person_is_refused() {
        let made = close(&secret(1), (&secret(2), 0), PERSON, b"who");
        let other = PseudonymId::from_bytes([2; 16]);
        assert!(open(&secret(1), &secret(2), other, &made.value).is_err());
    }

    #[test]
    fn equal_records_have_unequal_commitments() {
        let make = || close(&secret(1), (&secret(2), 0), PERSON, b"191212121212").commitment;
        assert_ne!(make(), make());
    }
}
