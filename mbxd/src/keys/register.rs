//! Register records at rest: who holds a mailbox (`docs/formats/register-record.md`).

use super::error::{KeysError, Thing};
use super::small::{SALT_LEN, SmallKey};
use crate::hsm::Secret32;
use mbx_common::id::MailboxId;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEAD_LEN: usize = 1 + SALT_LEN;

/// Encrypts a register record under the register secret and the mailbox's register life secret:
/// erasing the life secret erases every copy of the record.
pub(super) fn close(
    register: &Secret32,
    life: &Secret32,
    mailbox: MailboxId,
    plain: &[u8],
) -> Vec<u8> {
    let salt: [u8; SALT_LEN] = crate::random::bytes();
    let head = [[VERSION].as_slice(), &salt].concat();
    let covered: [&[u8]; 2] = [&head, mailbox.as_bytes()];
    let sealed = key(register, life, &salt).seal(&covered, plain);
    [head, sealed].concat()
}

/// Decrypts a register record of this mailbox.
pub(super) fn open(
    register: &Secret32,
    life: &Secret32,
    mailbox: MailboxId,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let altered = || KeysError::Altered(Thing::RegisterRecord);
    if let Some(&version) = record.first()
        && version != VERSION
    {
        return Err(KeysError::Version { thing: Thing::RegisterRecord, version });
    }
    let (head, sealed) = record.split_at_checked(HEAD_LEN).ok_or_else(altered)?;
    let salt = head.get(1..).ok_or_else(altered)?;
    let covered: [&[u8]; 2] = [head, mailbox.as_bytes()];
    key(register, life, salt).open(&covered, sealed).ok_or_else(altered)
}

fn key(register: &Secret32, life: &Secret32, salt: &[u8]) -> SmallKey {
    let info: [&[u8]; 2] = [b"mbx register record", &[VERSION]];
    SmallKey::derive(&[register.expose(), life.expose()], salt, &info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAILBOX: MailboxId = MailboxId::from_bytes([1; 16]);

    fn secret(byte: u8) -> Secret32 {
        Secret32::new([byte; 32])
    }

    proptest! {
        #[test]
        fn a_record_round_trips_and_every_flipped_bit_or_cut_is_refused(
            plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8
        ) {
            let record = close(&secret(1), &secret(2), MAILBOX, &plain);
            let read = |record: &[u8]| open(&secret(1), &secret(2), MAILBOX, record);
            prop_assert_eq!(read(&record).unwrap().to_vec(), plain);
            let at = at.index(record.len());
            prop_assert!(read(&record[..at]).is_err());
            let mut flipped = record;
            flipped[at] ^= 1 << bit;
            prop_assert!(read(&flipped).is_err());
        }
    }

    #[test]
    fn a_record_of_another_mailbox_or_life_is_refused() {
        let record = close(&secret(1), &secret(2), MAILBOX, b"who");
        assert!(open(&secret(1), &secret(2), MailboxId::from_bytes([2; 16]), &record).is_err());
        assert!(open(&secret(1), &secret(3), MAILBOX, &record).is_err());
        assert!(open(&secret(3), &secret(2), MAILBOX, &record).is_err());
    }

    #[test]
    fn the_same_record_written_twice_shares_no_bytes_of_ciphertext() {
        let first = close(&secret(1), &secret(2), MAILBOX, &[0; 64]);
        let second = close(&secret(1), &secret(2), MAILBOX, &[0; 64]);
        assert_ne!(first[HEAD_LEN..], second[HEAD_LEN..]);
    }
}
