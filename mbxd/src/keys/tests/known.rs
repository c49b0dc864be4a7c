//! Known answers of every row, made by an independent implementation from the format pages
//! (`tests/interop/rows.py`): what is stored today is read by every later version.

use super::super::keyring::{Keyring, LifePlace, LifeTier};
use super::super::lookup::Lookup;
use super::super::mailbox_keys::{MailboxKeys, Owner};
use super::super::sealed_dek::open_dek;
use super::super::secret_check::SecretCheck;
use super::super::{register, side_record};
use super::interop::{bytes, vectors};
use super::*;
use crate::hsm::Secret32;
use mbx_common::holder::MailboxState;
use mbx_common::id::InstallationId;
use std::collections::HashMap;

const GENERATION: u32 = 5;

struct Known(HashMap<String, String>);

impl Known {
    fn read() -> Self {
        Self(vectors("keys.json"))
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        bytes(&self.0[name])
    }

    fn secret(&self, name: &str) -> Secret32 {
        Secret32::new(self.bytes(name).try_into().unwrap())
    }

    fn mailbox(&self) -> MailboxId {
        MailboxId::from_slice(&self.bytes("mailbox")).unwrap()
    }

    fn person(&self) -> PseudonymId {
        PseudonymId::from_slice(&self.bytes("person")).unwrap()
    }

    fn installation(&self) -> InstallationId {
        InstallationId::from_slice(&self.bytes("installation")).unwrap()
    }

    /// A keyring that holds the two records, and where they lie.
    async fn keyring(&self) -> (Keyring, u64, u64) {
        let disk = Arc::new(SimulatedDisk::new());
        let secret = self.secret("keyring_secret");
        let keyring = Keyring::create(disk, GENERATION, secret, self.installation()).await;
        let keyring = keyring.unwrap();
        let records = vec![
            Bytes::from(self.bytes("keyring_mailbox")),
            Bytes::from(self.bytes("keyring_person")),
        ];
        let positions = keyring.append(records).await.unwrap();
        (keyring, positions[0], positions[1])
    }
}

#[tokio::test]
async fn a_known_keyring_and_a_known_row_give_the_known_private_keys() {
    let known = Known::read();
    let (keyring, position, _) = known.keyring().await;
    let row = MailboxKeys::decode(&known.bytes("mailbox_keys")).unwrap();
    assert_eq!(row.encode(), known.bytes("mailbox_keys"));
    for (tier, epoch) in [(Tier::Basic, 1), (Tier::High, 2)] {
        let keys = row.tier(tier);
        assert_eq!(keys.life, LifePlace { epoch, position: 4096 });
        let place = LifePlace { epoch, position };
        let life = keyring.life(known.mailbox(), LifeTier::Messages(tier), place).await.unwrap();
        let wrapping = known.secret(&format!("w_{}", tier.name()));
        let owner = Owner { mailbox: known.mailbox(), tier, epoch };
        let private = keys.open(&wrapping, &life, owner).unwrap();
        assert_eq!(private.seed()[..], known.bytes(&format!("seed_{}", tier.name())));
        assert_eq!(keys.sealed.0, format!("sealed by a token: {}", tier.name()).as_bytes());
    }
    let other = LifePlace { epoch: 3, position };
    let missing = keyring.life(known.mailbox(), LifeTier::Messages(Tier::Basic), other).await;
    assert!(matches!(missing, Err(KeysError::Missing(Thing::LifeSecret))));
}

#[tokio::test]
async fn known_register_and_side_records_open() {
    let known = Known::read();
    let (keyring, lives, person) = known.keyring().await;
    let secret = known.secret("register_secret");
    let place = LifePlace { epoch: 3, position: lives };
    let life = keyring.life(known.mailbox(), LifeTier::Register, place).await.unwrap();
    let record = known.bytes("register_record");
    let opened = register::open(&secret, &life, known.mailbox(), &record).unwrap();
    assert_eq!(&opened[..], b"a holder");

    let life = keyring.person(known.person(), person).await.unwrap();
    let row = known.bytes("side_record");
    assert_eq!(side_record::position(&row).unwrap(), 8192);
    let unveiled = side_record::open(&secret, &life, known.person(), &row).unwrap();
    assert_eq!(&unveiled.record[..], FIRST.as_bytes());
    assert_eq!(unveiled.commitment[..], known.bytes("side_commitment"));
}

#[test]
fn a_known_sealed_dek_opens() {
    let known = Known::read();
    let private = PrivateKey::from_seed(&known.bytes("seed_high")).unwrap();
    let facts = Binding {
        mailbox: known.mailbox(),
        epoch: 2,
        delivery: DeliveryId::from_slice(&known.bytes("delivery")).unwrap(),
        message: MessageId::from_slice(&known.bytes("message")).unwrap(),
        class: ProtectionClass::Three,
        place: 7,
        root: ContentRoot::from_bytes(known.bytes("root").try_into().unwrap()),
    };
    let sealed = SealedDek::from_bytes(&known.bytes("sealed_dek")).unwrap();
    let dek = open_dek(&sealed, &private, &facts).unwrap();
    assert_eq!(dek.expose()[..], known.bytes("dek"));
}

#[test]
fn a_known_directory_row_is_found_and_written_alike() {
    let known = Known::read();
    let lookup = Lookup::new(known.secret("lookup_secret"), known.installation());
    let key = lookup.directory_key(&number(FIRST));
    assert_eq!(key.as_bytes()[..], known.bytes("directory_key"));
    let row = lookup.read(&key, &known.bytes("directory_row")).unwrap();
    assert_eq!((row.mailbox, row.state), (known.mailbox(), MailboxState::Suspended));
    assert_eq!((row.basic.epoch, row.high.epoch), (1, 2));
    assert_eq!(lookup.directory_value(&key, &row), known.bytes("directory_row"));
    assert_eq!(lookup.mark(&[b"duplicate", b"", b"x"])[..], known.bytes("mark"));
}

#[test]
fn known_checks_of_root_secrets_are_written_alike() {
    let known = Known::read();
    let row = |check: SecretCheck, name: &str| check.row(&known.secret(name), known.installation());
    assert_eq!(row(SecretCheck::Lookup, "lookup_secret"), known.bytes("lookup_check"));
    assert_eq!(row(SecretCheck::Register, "register_secret"), known.bytes("register_check"));
}
