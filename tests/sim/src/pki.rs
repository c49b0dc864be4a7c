//! A PKI of organisation certificates as the infrastructure's issuers make them, in a folder.
//!
//! `root.pem`, `root.key`, `crl.pem`; per name `NAME.pem` (leaf, then issuer), `NAME.key`.

use crate::error::SimError;
use crate::sign::Signer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize,
    SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// OID of the subject attribute serialNumber.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

/// What a certificate is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Use {
    /// An organisation's: TLS client and signatures.
    Organisation,
    /// A server's on this machine.
    Server,
    /// A portal's: TLS client.
    Portal,
}

/// How an organisation certificate departs from a sound one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flaw {
    /// Sound.
    #[default]
    None,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// No key usage for signatures.
    NoSignatureUsage,
    /// No serial number in the subject.
    NoSerialNumber,
    /// Signed by a root that nobody trusts, of the same name.
    ForeignRoot,
    /// On the revocation list.
    Revoked,
    /// For an RSA key of 1,024 bits, of which nobody has the private half.
    ShortKey,
}

/// `SubjectPublicKeyInfo` of an RSA key of 1,024 bits: the libraries here refuse to make one.
const RSA_1024: &str = "\
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD5wrYNu6Q0hPWUR0Vioe7AsDamiZNbXzhV5hS1kBZGNNajLLno\
    399KgTDouwYk4a7zh9GzLpgF0Tcw7L9BkswwfHpOQUxWbKDnEiSOe7Siak+DWSNQVLxpmfQUIwKMtIUnziDF2S2f\
    7jhwdajSfTyoYFTZtYYn5nFFL5cS6kZlMwIDAQAB";

/// A certificate authority in a folder.
pub struct Pki {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    root: Certificate,
    lists: Mutex<Lists>,
}

/// What was revoked so far, and in how many lists.
#[derive(Default)]
struct Lists {
    count: u64,
    serials: Vec<SerialNumber>,
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pki({})", self.folder.display())
    }
}

impl Pki {
    /// Makes a new root and an empty revocation list.
    ///
    /// # Errors
    /// [`SimError`] where a key cannot be made or a file written.
    pub fn create(folder: &Path) -> Result<Self, SimError> {
        std::fs::create_dir_all(folder).map_err(SimError::file(folder))?;
        let (issuer, root) = root("mbx-sim organisations root")?;
        let pki = Self { folder: folder.to_owned(), issuer, root, lists: Mutex::default() };
        pki.write("root.pem", &pki.root.pem())?;
        pki.revoke(&[])?;
        Ok(pki)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a certificate and writes `NAME.pem` and `NAME.key`.
    ///
    /// # Errors
    /// [`SimError`] where a key cannot be made or a file written.
    pub fn issue(&self, name: &str, usage: Use, number: &str) -> Result<Credentials, SimError> {
        self.issue_flawed(name, usage, number, Flaw::None)
    }

    /// The same with a flaw.
    ///
    /// # Errors
    /// [`SimError`] where a key cannot be made or a file written.
    pub fn issue_flawed(
        &self,
        name: &str,
        usage: Use,
        number: &str,
        flaw: Flaw,
    ) -> Result<Credentials, SimError> {
        let key = match usage {
            Use::Organisation => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?,
            Use::Server | Use::Portal => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
        };
        let params = leaf(name, usage, number, flaw)?;
        let certificate = match flaw {
            Flaw::ForeignRoot => {
                let (foreign, _) = root("mbx-sim organisations root")?;
                params.signed_by(&key, &foreign)?
            }
            Flaw::ShortKey => {
                let short = BASE64.decode(RSA_1024).unwrap_or_default();
                params.signed_by(&SubjectPublicKeyInfo::from_der(&short)?, &self.issuer)?
            }
            Flaw::None
            | Flaw::Expired
            | Flaw::NotYetValid
            | Flaw::NoSignatureUsage
            | Flaw::NoSerialNumber
            | Flaw::Revoked => params.signed_by(&key, &self.issuer)?,
        };
        self.write(&format!("{name}.pem"), &(certificate.pem() + &self.root.pem()))?;
        self.write(&format!("{name}.key"), &key.serialize_pem())?;
        if flaw == Flaw::Revoked {
            let serial = params.serial_number.clone();
            self.revoke(serial.as_slice())?;
        }
        Credentials::load(&self.folder, name)
    }

    /// Writes the next `crl.pem`, with these serial numbers on it and all that were before.
    ///
    /// # Errors
    /// [`SimError`] where the list cannot be signed or written.
    pub fn revoke(&self, serials: &[SerialNumber]) -> Result<(), SimError> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.count += 1;
        lists.serials.extend_from_slice(serials);
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(lists.count),
            issuing_distribution_point: None,
            revoked_certs: lists
                .serials
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: serial.clone(),
                    revocation_time: date_time_ymd(2026, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer)?;
        self.write("crl.pem", &list.pem()?)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), SimError> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(SimError::file(path))
    }
}

fn root(name: &str) -> Result<(Issuer<'static, KeyPair>, Certificate), SimError> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "SE");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2046, 1, 1);
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), certificate))
}

fn leaf(name: &str, usage: Use, number: &str, flaw: Flaw) -> Result<CertificateParams, SimError> {
    let names = match usage {
        Use::Server => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        Use::Organisation | Use::Portal => Vec::new(),
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "SE");
    params.distinguished_name.push(DnType::OrganizationName, name);
    params.distinguished_name.push(DnType::CommonName, name);
    if flaw != Flaw::NoSerialNumber {
        params.distinguished_name.push(DnType::from_oid(&SERIAL_NUMBER), number);
    }
    params.serial_number = Some(SerialNumber::from(rand::random::<u64>() >> 1));
    params.key_usages = if flaw == Flaw::NoSignatureUsage {
        vec![KeyUsagePurpose::KeyEncipherment]
    } else {
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment]
    };
    params.extended_key_usages = match usage {
        Use::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Use::Organisation | Use::Portal => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    let (from, until) = match flaw {
        Flaw::Expired => ((2026, 1, 1), (2026, 2, 1)),
        Flaw::NotYetValid => ((2090, 1, 1), (2091, 1, 1)),
        Flaw::None
        | Flaw::NoSignatureUsage
        | Flaw::NoSerialNumber
        | Flaw::ForeignRoot
        | Flaw::Revoked
        | Flaw::ShortKey => ((2026, 1, 1), (2040, 1, 1)),
    };
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A certificate chain and its private key, as files name them.
pub struct Credentials {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS #8.
    pub key: PrivateKeyDer<'static>,
    /// A name for signatures' `X509SubjectName`.
    pub subject: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.subject)
    }
}

impl Credentials {
    /// Reads `NAME.pem` and `NAME.key`.
    ///
    /// # Errors
    /// [`SimError`] where a file is missing or holds something else.
    pub fn load(folder: &Path, name: &str) -> Result<Self, SimError> {
        let bad = |error: rustls_pki_types::pem::Error| SimError::Certificate(error.to_string());
        let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.pem")))
            .map_err(bad)?
            .collect::<Result<Vec<_>, _>>()
            .map_err(bad)?;
        let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).map_err(bad)?;
        Ok(Self { chain, key, subject: format!("C=SE, O={name}, CN={name}") })
    }

    /// The signer of these credentials.
    ///
    /// # Errors
    /// [`SimError::Certificate`] where the key is no RSA key.
    pub fn signer(&self) -> Result<Signer, SimError> {
        let leaf = self.chain.first().map(|leaf| leaf.to_vec()).unwrap_or_default();
        Signer::new(self.key.secret_der(), leaf, self.subject.clone())
    }
}

/// Reads the certificates of a PEM file.
///
/// # Errors
/// [`SimError`] where it is missing or holds something else.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SimError> {
    let bad = |error: rustls_pki_types::pem::Error| SimError::Certificate(error.to_string());
    CertificateDer::pem_file_iter(path).map_err(bad)?.collect::<Result<_, _>>().map_err(bad)
}
