//! A PKI for tests: a root, an issuing CA, organisation certificates, revocation lists.

use crate::clock::Clock;
use crate::config::{self, TlsIdentity};
use crate::store::Store;
use crate::trust::certificate::parse;
use crate::trust::handle::{Door, Trust};
use mbx_common::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlIssuingDistributionPoint, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, SigningKey, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The moment of every test: within each validity unless the test says otherwise.
pub(crate) const NOW: &str = "2026-06-01T12:00:00Z";
/// An authority's organisation number.
pub(crate) const AUTHORITY: &str = "162021004748";

type Ca = CertifiedIssuer<'static, KeyPair>;

/// A leaf with its key and the chain it sends.
pub(crate) struct Leaf {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

/// Root, issuing CA and a folder with their files.
pub(crate) struct Pki {
    pub(crate) root: Ca,
    pub(crate) issuing: Ca,
    pub(crate) dir: TempDir,
}

impl Pki {
    /// A PKI with files of root and issuing CA, and good empty lists of both.
    pub(crate) fn new() -> Self {
        let root = CertifiedIssuer::self_signed(ca("Test root"), key()).unwrap();
        let issuing = CertifiedIssuer::signed_by(ca("Test issuing CA"), key(), &root).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("crl")).unwrap();
        let pki = Self { root, issuing, dir };
        pki.write("root.pem", &pem("CERTIFICATE", pki.root.der()));
        pki.write("issuing.pem", &pem("CERTIFICATE", pki.issuing.der()));
        pki.write("crl/root.crl", &crl(&pki.root, &[]));
        pki.write("crl/issuing.crl", &crl(&pki.issuing, &[]));
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// The section that names the files.
    pub(crate) fn config(&self) -> config::Trust {
        config::Trust {
            roots: vec![self.path("root.pem")],
            intermediates: vec![self.path("issuing.pem")],
            portal_roots: vec![self.path("root.pem")],
            crl_dir: self.path("crl"),
            ..config::Trust::default()
        }
    }

    /// A handle on the configuration with the lists of the folder read.
    pub(crate) async fn trust(&self, store: Store, clock: Clock) -> Trust {
        let identity = self.server("server");
        let doors = vec![(Door::Authorities, identity.clone()), (Door::Portal, identity)];
        let trust = Trust::open(self.config(), doors, store, clock).await.unwrap();
        trust.refresh_lists().await;
        trust
    }

    /// Writes a server certificate for `localhost` and its key.
    pub(crate) fn server(&self, name: &str) -> TlsIdentity {
        let leaf = self.leaf(|params| {
            params.subject_alt_names =
                CertificateParams::new(vec!["localhost".to_owned()]).unwrap().subject_alt_names;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        self.write(
            &certificate,
            &leaf.chain.iter().flat_map(|c| pem("CERTIFICATE", c)).collect::<Vec<_>>(),
        );
        self.write(&key, leaf.key.serialize_pem().as_bytes());
        TlsIdentity { certificate: self.path(&certificate), private_key: self.path(&key) }
    }

    /// An organisation certificate under the issuing CA, changed as the test wants.
    pub(crate) fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        self.leaf_of(AUTHORITY, key(), change)
    }

    /// The same for an organisation and a key.
    pub(crate) fn leaf_of(
        &self,
        organisation: &str,
        key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Leaf {
        let mut params = organisation_params(organisation);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuing).unwrap();
        let chain = vec![certificate.der().clone(), self.issuing.der().clone()];
        Leaf { chain, key }
    }

    /// A good certificate whose subject is replaced by these octets of a `Name`.
    pub(crate) fn leaf_with_subject(&self, name: &[u8]) -> Leaf {
        let mut leaf = self.leaf(|_| ());
        let old = parse(&leaf.chain[0]).unwrap().subject().as_raw().to_vec();
        self.sign_again(&mut leaf, &old, name);
        leaf
    }

    /// A good certificate for another key, given as `SubjectPublicKeyInfo`.
    pub(crate) fn leaf_with_key(&self, key: &[u8]) -> Leaf {
        let mut leaf = self.leaf(|_| ());
        let old = parse(&leaf.chain[0]).unwrap().public_key().raw.to_vec();
        self.sign_again(&mut leaf, &old, key);
        leaf
    }

    /// Replaces a part of the certificate and signs it anew.
    fn sign_again(&self, leaf: &mut Leaf, old: &[u8], new: &[u8]) {
        let parsed = parse(&leaf.chain[0]).unwrap();
        let content = content(parsed.tbs_certificate.as_ref());
        let place = content.windows(old.len()).rposition(|window| window == old).unwrap();
        let tbs = der(0x30, &[&content[..place], new, &content[place + old.len()..]].concat());
        let signature = self.issuing.key().sign(&tbs).unwrap();
        // AlgorithmIdentifier of ecdsa-with-SHA256.
        let algorithm = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        let signature = der(0x03, &[&[0], signature.as_slice()].concat());
        leaf.chain[0] =
            CertificateDer::from(der(0x30, &[&tbs, &algorithm[..], &signature].concat()));
    }
}

/// A key of the default kind, ECDSA P-256.
pub(crate) fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// Parameters of an organisation certificate for TLS and signatures.
pub(crate) fn organisation_params(organisation: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "SE");
    params.distinguished_name.push(DnType::OrganizationName, "Testkommun");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), organisation);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.serial_number =
        Some(SerialNumber::from(crate::random::bytes::<8>().map(|b| b & 0x7f).to_vec()));
    params
}

/// Parameters of a CA certificate.
pub(crate) fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

/// A list in DER, good in the middle of 2026, that names these serial numbers.
pub(crate) fn crl(issuer: &Ca, revoked: &[&SerialNumber]) -> Vec<u8> {
    crl_between(issuer, revoked, (2026, 5, 1), (2026, 7, 1))
}

/// The same made and due on given days.
pub(crate) fn crl_between(
    issuer: &Ca,
    revoked: &[&SerialNumber],
    made: (i32, u8, u8),
    due: (i32, u8, u8),
) -> Vec<u8> {
    signed_list(&list_params(revoked, made, due), issuer)
}

/// A good list for a part of the issuer's certificates.
pub(crate) fn crl_for_part(
    issuer: &Ca,
    revoked: &[&SerialNumber],
    part: CrlIssuingDistributionPoint,
) -> Vec<u8> {
    let whole = list_params(revoked, (2026, 5, 1), (2026, 7, 1));
    signed_list(
        &CertificateRevocationListParams { issuing_distribution_point: Some(part), ..whole },
        issuer,
    )
}

fn signed_list(params: &CertificateRevocationListParams, issuer: &Ca) -> Vec<u8> {
    params.signed_by(issuer).unwrap().der().to_vec()
}

fn list_params(
    revoked: &[&SerialNumber],
    made: (i32, u8, u8),
    due: (i32, u8, u8),
) -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: date_time_ymd(made.0, made.1, made.2),
        next_update: date_time_ymd(due.0, due.1, due.2),
        crl_number: SerialNumber::from(7),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: (*serial).clone(),
                revocation_time: date_time_ymd(2026, 4, 1),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

/// A critical extension that nobody knows.
pub(crate) fn unknown_critical_extension() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

/// The clock of every test.
pub(crate) fn clock() -> Clock {
    Clock::manual(NOW.parse::<Timestamp>().unwrap())
}

/// A `Name` of relative names, each with its attributes (last arc under 2.5.4, text).
pub(crate) fn name(relative_names: &[&[(u8, &str)]]) -> Vec<u8> {
    let relative: Vec<u8> = relative_names
        .iter()
        .flat_map(|attributes| {
            let attributes: Vec<u8> = attributes
                .iter()
                .flat_map(|(arc, text)| {
                    let pair = [der(6, &[0x55, 4, *arc]), der(0x0c, text.as_bytes())].concat();
                    der(0x30, &pair)
                })
                .collect();
            der(0x31, &attributes)
        })
        .collect();
    der(0x30, &relative)
}

/// A PEM section.
pub(crate) fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}

/// Whether a path exists, for tests that wait on nothing.
pub(crate) fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut bytes = vec![tag];
    if len >= 256 {
        bytes.push(0x82);
        bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
    } else {
        bytes.extend((len >= 128).then_some(0x81));
        bytes.push(u8::try_from(len).unwrap());
    }
    bytes.extend(content);
    bytes
}

/// Content of a value whose header has a long length of two bytes, or a short one.
fn content(value: &[u8]) -> &[u8] {
    match value[1] {
        0x82 => &value[4..],
        0x81 => &value[3..],
        _ => &value[2..],
    }
}
