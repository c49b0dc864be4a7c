//! PEM and DER files: certificates, keys, revocation lists.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longest file that is read, in bytes: the largest national revocation lists stay below it.
const FILE_LEN_MAX: u64 = 32 * 1024 * 1024;

/// Why a file of certificates or keys is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than 32 MiB.
    #[error("{} is longer than 32 MiB", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It holds nothing of the wanted kind, or a broken section.
    #[error("{} holds no {wanted} in PEM", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
}

/// All certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let bytes = read(path)?;
    let content = || PemError::Content { path: path.to_owned(), wanted: "certificate" };
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(|_| content())?;
    if found.is_empty() { Err(content()) } else { Ok(found) }
}

/// The private key of a PEM file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    let bytes = read(path)?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| PemError::Content { path: path.to_owned(), wanted: "private key" })
}

/// The revocation list of a file in PEM or DER.
pub(crate) fn revocation_list(path: &Path) -> Result<Vec<u8>, PemError> {
    let bytes = read(path)?;
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return CertificateRevocationListDer::from_pem_slice(&bytes)
            .map(|list| list.as_ref().to_vec())
            .map_err(|_| PemError::Content { path: path.to_owned(), wanted: "revocation list" });
    }
    Ok(bytes.to_vec())
}

/// Reads a whole file of bounded length into memory that is wiped: it may hold a private key.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let failed = |source| PemError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    if len > FILE_LEN_MAX {
        return Err(PemError::TooLong { path: path.to_owned() });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(len).unwrap_or(0)));
    file.take(FILE_LEN_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
