//! Against others: published vectors of X-Wing and HPKE, and an independent decryptor in Python
//! that knows our format pages alone (`tests/interop/decrypt.py`).

use super::super::xwing::encapsulate;
use super::super::{Binding, PrivateKey, PublicKey, seal_dek};
use super::binding;
use crate::cipher::{self, Dek, content_root};
use hpke::aead::{AesGcm128, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256, XWing};
use hpke::{Deserializable, OpModeR, Serializable};
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{ContentId, DeliveryId, MailboxId, MessageId};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn tests_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

pub(super) fn vectors<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let text = fs::read_to_string(tests_folder().join("vectors").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    hex.as_bytes().chunks(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[derive(Deserialize)]
struct XWingVectors {
    vectors: Vec<XWingVector>,
}

#[derive(Deserialize)]
struct XWingVector {
    private_key: String,
    public_key: String,
    enc: String,
    shared_secret: String,
}

#[test]
fn x_wing_gives_the_drafts_vectors() {
    let file: XWingVectors = vectors("x-wing.json");
    assert_eq!(file.vectors.len(), 3);
    for vector in file.vectors {
        let private = PrivateKey::from_seed(&bytes(&vector.private_key)).unwrap();
        assert_eq!(hex(private.public().as_bytes()), vector.public_key);
        let enc = bytes(&vector.enc).try_into().unwrap();
        assert_eq!(hex(&*private.decapsulate(&enc).unwrap()), vector.shared_secret);
    }
}

/// The `hpke` crate's key of the same seed.
fn theirs(private: &PrivateKey) -> <XWing as Kem>::PrivateKey {
    <XWing as Kem>::PrivateKey::from_bytes(&private.seed()[..]).unwrap()
}

#[test]
fn another_implementation_opens_what_is_encapsulated_and_has_the_same_public_key() {
    for _ in 0..8 {
        let private = PrivateKey::generate();
        let public = private.public();
        assert_eq!(XWing::sk_to_pk(&theirs(&private)).to_bytes()[..], public.as_bytes()[..]);
        let (enc, shared) = encapsulate(public.as_bytes()).unwrap();
        let enc = <XWing as Kem>::EncappedKey::from_bytes(&enc[..]).unwrap();
        assert_eq!(XWing::decap(&theirs(&private), None, &enc).unwrap().0[..], shared[..]);
    }
}

#[test]
fn another_implementation_refuses_the_same_public_keys() {
    let sound = *PrivateKey::generate().public().as_bytes();
    for at in 0..1152 {
        for value in [0xff, 0x0d, 0xd0] {
            let mut bytes = sound;
            bytes[at] = value;
            let theirs = <XWing as Kem>::PublicKey::from_bytes(&bytes).is_ok();
            assert_eq!(PublicKey::from_bytes(&bytes).is_some(), theirs, "byte {at}");
        }
    }
}

#[test]
fn a_secret_is_not_agreed_on_with_a_point_of_small_order() {
    let mut bytes = *PrivateKey::generate().public().as_bytes();
    bytes[1184..].fill(0);
    assert!(encapsulate(&bytes).is_none());
}

#[test]
fn another_implementation_opens_a_sealed_dek() {
    let (private, dek) = (PrivateKey::generate(), Dek::generate());
    let binding = binding(1, ProtectionClass::Three);
    let sealed = seal_dek(&dek, &private.public(), &binding).unwrap();
    let (enc, ciphertext) = sealed.as_bytes()[1..].split_at(1120);
    let enc = <XWing as Kem>::EncappedKey::from_bytes(enc).unwrap();
    let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
        &OpModeR::Base,
        &theirs(&private),
        &enc,
        b"mbx sealed dek\x01",
        ciphertext,
        &binding.aad(),
    );
    assert_eq!(plain.unwrap(), dek.expose());
}

#[derive(Deserialize)]
struct HpkeVector {
    private_key: String,
    enc: String,
    info: String,
    aad: String,
    ciphertext: String,
    plaintext: String,
}

/// The construction is the RFC's; our suite differs in KEM and AEAD only.
#[test]
fn hpke_opens_the_rfcs_vector() {
    let vector: HpkeVector = vectors("hpke.json");
    let private =
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes(&vector.private_key)).unwrap();
    let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(&vector.enc)).unwrap();
    let plain = hpke::single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &enc,
        &bytes(&vector.info),
        &bytes(&vector.ciphertext),
        &bytes(&vector.aad),
    );
    assert_eq!(hex(&plain.unwrap()), vector.plaintext);
}

/// Runs the decryptor. `None` where Python or its package is missing and `MBX_TEST_ALL` does not
/// ask for it.
fn decryptor(argument: &Path) -> Option<std::process::Output> {
    python("decrypt.py", Some(argument))
}

fn python(script: &str, argument: Option<&Path>) -> Option<std::process::Output> {
    let python = std::env::var("MBX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import cryptography"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        assert!(std::env::var_os("MBX_TEST_ALL").is_none(), "{python} lacks `cryptography`");
        println!("skipped: {python} lacks `cryptography`");
        return None;
    }
    let script = tests_folder().join("interop").join(script);
    Some(Command::new(python).arg(script).args(argument).output().unwrap())
}

/// A message as it is stored, its private key beside it.
struct Message {
    folder: tempfile::TempDir,
    fields: serde_json::Value,
    contents: Vec<(ContentId, Vec<u8>)>,
}

impl Message {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dek = Dek::generate();
        let plain = [b"manifest".to_vec(), Vec::new(), [0, 1, 2].repeat(50_000)];
        let mut contents = Vec::new();
        let mut shares = Vec::new();
        for (number, plain) in (1..).zip(plain) {
            let id = ContentId::from_bytes([number; 16]);
            let sealed = cipher::seal(&dek, id, &[&plain]);
            fs::write(folder.path().join(format!("{id}.mbx1")), &sealed.stored).unwrap();
            shares.push(sealed.digest);
            contents.push((id, plain));
        }
        let private = PrivateKey::generate();
        let binding = Binding {
            mailbox: MailboxId::from_bytes([0xa1; 16]),
            epoch: 7,
            delivery: DeliveryId::from_bytes([0xa2; 16]),
            message: MessageId::from_bytes([0xa3; 16]),
            class: ProtectionClass::Three,
            place: 2,
            root: content_root(&shares),
        };
        let sealed = seal_dek(&dek, &private.public(), &binding).unwrap();
        let ids: Vec<_> = contents.iter().map(|(id, _)| id.to_string()).collect();
        let fields = serde_json::json!({
            "private_key": hex(&private.seed()[..]),
            "mailbox": binding.mailbox.to_string(),
            "epoch": binding.epoch,
            "delivery": binding.delivery.to_string(),
            "message": binding.message.to_string(),
            "class": binding.class.number(),
            "place": binding.place,
            "root": binding.root.to_string(),
            "sealed_dek": hex(sealed.as_bytes()),
            "contents": ids,
        });
        Self { folder, fields, contents }
    }

    fn opens(&self) -> Option<bool> {
        fs::write(self.folder.path().join("message.json"), self.fields.to_string()).unwrap();
        let output = decryptor(self.folder.path())?;
        let refused = String::from_utf8_lossy(&output.stderr).starts_with("refused: ");
        assert!(output.status.success() != refused, "{output:?}");
        Some(output.status.success())
    }
}

#[test]
fn an_independent_decryptor_opens_a_message_from_the_pages_alone() {
    let message = Message::new();
    if message.opens().is_none() {
        return;
    }
    for (id, plain) in &message.contents {
        let opened = fs::read(message.folder.path().join(format!("{id}.plain"))).unwrap();
        assert!(opened == *plain, "{id}");
    }
}

#[test]
fn the_independent_decryptor_refuses_what_we_refuse() {
    for (field, value) in [
        ("class", serde_json::json!(2)),
        ("place", serde_json::json!(3)),
        ("epoch", serde_json::json!(8)),
        ("mailbox", serde_json::json!(MailboxId::from_bytes([9; 16]).to_string())),
        ("root", serde_json::json!("00".repeat(32))),
    ] {
        let mut message = Message::new();
        message.fields[field] = value;
        assert_ne!(message.opens(), Some(true), "{field}");
    }
    let message = Message::new();
    let path = message.folder.path().join(format!("{}.mbx1", message.contents[2].0));
    let mut stored = fs::read(&path).unwrap();
    stored[100_000] ^= 1;
    fs::write(path, stored).unwrap();
    assert_ne!(message.opens(), Some(true));
}

#[test]
fn the_independent_decryptor_passes_the_published_vectors() {
    if let Some(output) = decryptor(Path::new("--vectors")) {
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn the_known_rows_are_what_the_pages_give() {
    if let Some(output) = python("rows.py", None) {
        assert!(output.status.success(), "{output:?}");
    }
}
