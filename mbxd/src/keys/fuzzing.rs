//! Entry points for hostile bytes (`fuzz/`): each reads as the room does and, where the bytes are
//! taken, gives what writing them again yields.

use super::fields::put_short;
use super::lookup::{DirectoryKey, Lookup};
use super::mailbox_keys::MailboxKeys;
use super::pair::{PrivateKey, PublicKey};
use super::root_secret::Parts;
use super::sealed_dek::{self, Binding, SealedDek};
use super::secret_check::SecretCheck;
use super::token_key::TokenKey;
use super::{register, side_record};
use crate::cipher::ContentRoot;
use crate::hsm::Secret32;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{DeliveryId, InstallationId, KeyId, MailboxId, MessageId, PseudonymId};

const ROOT_NAME_LEN: usize = 22;
const ALGORITHM_AT: usize = ROOT_NAME_LEN + KeyId::LEN;

/// A sealed DEK; it is opened too, which fails for whatever was not sealed to the key.
pub fn sealed_dek(bytes: &[u8]) -> Option<Vec<u8>> {
    let sealed = SealedDek::from_bytes(bytes).ok()?;
    let private = PrivateKey::from_seed(&[7; PrivateKey::LEN])?;
    let binding = Binding {
        mailbox: MailboxId::from_bytes([1; 16]),
        epoch: 1,
        delivery: DeliveryId::from_bytes([2; 16]),
        message: MessageId::from_bytes([3; 16]),
        class: ProtectionClass::Two,
        place: 0,
        root: ContentRoot::from_bytes([4; 32]),
    };
    drop(sealed_dek::open_dek(&sealed, &private, &binding));
    Some(sealed.as_bytes().to_vec())
}

/// A mailbox's public key.
pub fn public_key(bytes: &[u8]) -> Option<Vec<u8>> {
    PublicKey::from_bytes(bytes).map(|key| key.as_bytes().to_vec())
}

/// A row of mailbox keys.
pub fn mailbox_keys(bytes: &[u8]) -> Option<Vec<u8>> {
    MailboxKeys::decode(bytes).ok().map(|row| row.encode())
}

/// A row of the key table.
pub fn key_row(bytes: &[u8]) -> Option<Vec<u8>> {
    TokenKey::decode(&[5; KeyId::LEN], bytes).ok().map(|row| row.encode())
}

/// The parts of a root secret's row; what it names and how it is signed is compared later.
pub fn root_secret(bytes: &[u8]) -> Option<Vec<u8>> {
    let parts = Parts::read(bytes)?;
    let mut row = bytes.get(..ROOT_NAME_LEN)?.to_vec();
    row.extend_from_slice(parts.signer.as_bytes());
    row.push(*bytes.get(ALGORITHM_AT)?);
    row.extend_from_slice(&parts.created.as_millis().to_be_bytes());
    put_short(&mut row, parts.sealed);
    row.extend_from_slice(&parts.signature);
    Some(row)
}

/// A directory row without its tag, which is put right here so that the row itself is read.
pub fn directory_row(bytes: &[u8]) -> Option<Vec<u8>> {
    let lookup = lookup();
    let key = DirectoryKey::from_bytes([6; DirectoryKey::LEN]);
    let row = lookup.read(&key, &lookup.tagged(&key, bytes.to_vec())).ok()?;
    let mut value = lookup.directory_value(&key, &row).to_vec();
    value.truncate(value.len().saturating_sub(32));
    Some(value)
}

/// The row that tells a lookup secret from others; `None` where it is none of ours.
pub fn lookup_check(bytes: &[u8]) -> Option<bool> {
    let installation = InstallationId::from_bytes([9; 16]);
    SecretCheck::Lookup.fits(&Secret32::new([8; 32]), installation, bytes).ok()
}

/// Records under the register secret: of a mailbox, of a person. Neither opens.
pub fn register_records(bytes: &[u8]) -> Option<Vec<u8>> {
    let (secret, mailbox) = (Secret32::new([1; 32]), MailboxId::from_bytes([1; 16]));
    drop(side_record::position(bytes));
    let person = PseudonymId::from_bytes([1; 16]);
    let unveiled = side_record::open(&secret, &secret, person, bytes).ok();
    let opened = register::open(&secret, &secret, mailbox, bytes).ok();
    unveiled.map(|one| one.record.to_vec()).or_else(|| opened.map(|one| one.to_vec()))
}

fn lookup() -> Lookup {
    Lookup::new(Secret32::new([8; 32]), InstallationId::from_bytes([9; 16]))
}
