//! Independent senders: python-xmlsec and Java's own XML signatures (`tests/interop/`).
//!
//! Every output of both, in three marshalling styles, verifies under the real policy and says what
//! was sent, byte for byte. Where a peer is not installed the test says so and passes; with
//! `MBX_TEST_ALL` set it fails instead.

use crate::delivery::signature::{Form, Policy, SignatureAlgorithm, Verified, verify};
use crate::delivery::soap::{Document, Part, PrescanLimits, Request, parse};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) const STYLES: [&str; 3] = ["default", "prefixed", "jaxb"];
const SUBJECT: &str = "Välkommen & <hej> \"så\" 'här' ]]> €";
const SUPPORT: &str = "Rad ett\r\nrad två\ttabb";
const BODY: &[u8] = "Hej!\r\nDetta är ett meddelande.\u{feff}".as_bytes();

/// What a case asks of the sender beyond the defaults.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) options: &'static [&'static str],
    pub(super) key: &'static rcgen::SignatureAlgorithm,
    pub(super) algorithm: SignatureAlgorithm,
}

pub(super) static CASES: [Case; 5] = [
    Case {
        name: "RSA, whole document",
        options: &[],
        key: &rcgen::PKCS_RSA_SHA256,
        algorithm: SignatureAlgorithm::RsaSha256,
    },
    Case {
        name: "RSA with SHA-512, by Id",
        options: &["--method", "rsa-sha512", "--digest", "sha512", "--reference", "id"],
        key: &rcgen::PKCS_RSA_SHA256,
        algorithm: SignatureAlgorithm::RsaSha512,
    },
    Case {
        name: "RSA with SHA-384, both transforms",
        options: &["--method", "rsa-sha384", "--digest", "sha384", "--second-transform"],
        key: &rcgen::PKCS_RSA_SHA256,
        algorithm: SignatureAlgorithm::RsaSha384,
    },
    Case {
        name: "P-256",
        options: &["--method", "ecdsa-sha256"],
        key: &rcgen::PKCS_ECDSA_P256_SHA256,
        algorithm: SignatureAlgorithm::EcdsaSha256,
    },
    Case {
        name: "P-384, by Id, both transforms",
        options: &["--method", "ecdsa-sha384", "--reference", "id", "--second-transform"],
        key: &rcgen::PKCS_ECDSA_P384_SHA384,
        algorithm: SignatureAlgorithm::EcdsaSha384,
    },
];

#[test]
fn deliveries_of_python_xmlsec_verify_in_every_style() {
    if !installed("python3", &["-c", "import xmlsec, lxml"]) {
        return;
    }
    for case in &CASES {
        assert_all_styles(case, python_sender());
    }
}

#[test]
fn deliveries_of_java_verify_in_every_style() {
    if !installed("javac", &["-version"]) {
        return;
    }
    let classes = tempfile::tempdir().unwrap();
    let mut compiler = Command::new("javac");
    compiler.arg("-d").arg(classes.path()).arg(here("Sender.java"));
    assert!(compiler.status().unwrap().success());
    for case in &CASES {
        let mut command = Command::new("java");
        command.arg("-cp").arg(classes.path()).arg("Sender");
        assert_all_styles(case, command);
    }
}

/// A signed document with prefixes of its own fits only as it was sent, and is taken as that.
#[test]
fn deliveries_signed_with_prefixes_verify_in_the_form_as_sent() {
    if !installed("python3", &["-c", "import xmlsec, lxml"]) {
        return;
    }
    let mut command = python_sender();
    command.args(["--signature-prefix", "--style", "prefix-kept"]);
    let folder = send(&CASES[0], command);
    let verified = read_and_verify(&folder.path().join("prefix-kept.xml"), &CASES[0]);
    assert_eq!(verified.sender.signed_info_form, Form::Exclusive);
    assert_eq!((verified.sender.form, verified.seal.form), (Form::PrefixFree, Form::Exclusive));
}

/// The Python sender, without options.
pub(super) fn python_sender() -> Command {
    let mut command = Command::new("python3");
    command.arg(here("senders.py"));
    command
}

fn assert_all_styles(case: &Case, command: Command) {
    let folder = send(case, command);
    for style in STYLES {
        let verified = read_and_verify(&folder.path().join(format!("{style}.xml")), case);
        for level in [&verified.sender, &verified.seal] {
            assert_eq!(level.form, Form::PrefixFree, "{} {style}", case.name);
            assert_eq!(level.signed_info_form, Form::PrefixFree, "{} {style}", case.name);
        }
    }
}

/// Lets a sender write its deliveries, with one key for the sender and another for the seal.
pub(super) fn send(case: &Case, mut command: Command) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (role, organisation) in [("sender", "162021004748"), ("seal", "162021003898")] {
        let (key, certificate) = identity(case.key, organisation);
        fs::write(path(&format!("{role}.key")), key).unwrap();
        fs::write(path(&format!("{role}.crt")), certificate).unwrap();
    }
    fs::write(path("body.txt"), BODY).unwrap();
    fs::write(path("bilaga.pdf"), attachment()).unwrap();
    command.arg("--key").arg(path("sender.key")).arg("--certificate").arg(path("sender.crt"));
    command.arg("--seal-key").arg(path("seal.key"));
    command.arg("--seal-certificate").arg(path("seal.crt"));
    command.args(["--recipient", "198101032384", "--subject", SUBJECT, "--support-text", SUPPORT]);
    command.arg("--body").arg(path("body.txt"));
    let attachment = format!("{}:application/pdf:Beslut å.pdf", path("bilaga.pdf").display());
    command.arg("--attachment").arg(attachment);
    command.arg("--out").arg(folder.path()).args(case.options);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", case.name);
    folder
}

/// Reads a request as the door does and compares what it says with what was sent.
fn read_and_verify(file: &Path, case: &Case) -> Verified {
    let told = format!("{} {}", case.name, file.display());
    let bytes = fs::read(file).unwrap();
    let document = Document::read(&bytes, &PrescanLimits::default()).expect(&told);
    let Request::DeliverSecure(delivery) = parse(&document).expect(&told) else {
        panic!("{told}: no deliverSecure")
    };
    let verified = verify(&delivery, Policy::default()).expect(&told);
    assert_eq!(verified.sender.algorithm, case.algorithm, "{told}");
    assert_ne!(verified.sender.certificates, verified.seal.certificates, "{told}");
    assert_eq!(delivery.header.sender.id.as_str(), "162021004748", "{told}");
    assert_eq!(delivery.header.recipients[0].as_str(), "198101032384", "{told}");
    let message = &delivery.messages[0];
    assert_eq!(message.header.subject.as_str(), SUBJECT, "{told}");
    assert_eq!(message.header.support.text.as_str(), SUPPORT, "{told}");
    let octets = |part: &Part<'_>| {
        let mut octets = Vec::new();
        part.octets.each(&bytes, |piece| octets.extend_from_slice(piece)).unwrap();
        octets
    };
    assert_eq!(octets(&message.body), BODY, "{told}");
    assert_eq!(octets(&message.attachments[0]), attachment(), "{told}");
    assert_eq!(message.attachments[0].file_name.unwrap().as_str(), "Beslut å.pdf", "{told}");
    verified
}

/// A key (PKCS#8) and a self-signed organisation certificate, both PEM.
fn identity(key: &'static rcgen::SignatureAlgorithm, organisation: &str) -> (String, String) {
    let pair = rcgen::KeyPair::generate_for(key).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Kommun A");
    let serial_number = rcgen::DnType::CustomDnType(vec![2, 5, 4, 5]);
    params.distinguished_name.push(serial_number, organisation);
    let certificate = params.self_signed(&pair).unwrap();
    (pair.serialize_pem(), certificate.pem())
}

/// All octets there are, several times: no text by accident.
fn attachment() -> Vec<u8> {
    (0..20_000_u32).flat_map(u32::to_le_bytes).collect()
}

pub(in crate::delivery) fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop").join(name)
}

/// Whether a peer can be run here.
pub(in crate::delivery) fn installed(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let works = output.is_ok_and(|output| output.status.success());
    if !works {
        assert!(std::env::var_os("MBX_TEST_ALL").is_none(), "{program} is not installed");
        println!("skipped: {program} {arguments:?} does not run here");
    }
    works
}
