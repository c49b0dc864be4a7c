//! `[trust]`: roots, revocation lists and key strength for both HTTPS doors and for signatures.

use super::value::Span;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Whom the daemon believes.
///
/// Certificates of the authorities' TLS clients and of their signatures are chained to `roots`,
/// those of portals to `portal_roots`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// PEM files with the root certificates of organisation certificates. Default none: no
    /// authority is believed.
    pub roots: Vec<PathBuf>,
    /// PEM files with issuing CA certificates, so that chains close where a peer sends its own
    /// certificate alone, and so that revocation lists of these CAs can be checked. Default none.
    pub intermediates: Vec<PathBuf>,
    /// PEM files with the root certificates of portals' client certificates. Default none.
    pub portal_roots: Vec<PathBuf>,
    /// Folder with revocation lists, one PEM or DER file each (`*.crl`, `*.pem`); whoever fetches
    /// them replaces files by renaming. The last good list of each issuer is kept in the store, so
    /// that a broken file changes nothing. Default `/var/lib/mbxd-crl`.
    pub crl_dir: PathBuf,
    /// How often the folder is read. Default `5 min`.
    pub crl_read_every: Span,
    /// How long before a list's `nextUpdate` `status` and `doctor` warn. Default `24 h`.
    pub crl_warn_before: Span,
    /// Issuers whose missing or outdated list is tolerated, by the SHA-256 fingerprint of the
    /// issuing certificate: for trial installations. A certificate that a list names is refused
    /// all the same. Default none: fail closed.
    pub crl_optional_for: Vec<Fingerprint>,
    /// Shortest RSA key in bits, of peers and of issuing CAs. Default 2048, and not less.
    pub rsa_bits_min: u16,
    /// Whether TLS 1.2 is spoken beside TLS 1.3. Default `false`.
    pub tls12: bool,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            intermediates: Vec::new(),
            portal_roots: Vec::new(),
            crl_dir: PathBuf::from("/var/lib/mbxd-crl"),
            crl_read_every: Span::secs(300),
            crl_warn_before: Span::secs(86_400),
            crl_optional_for: Vec::new(),
            rsa_bits_min: 2048,
            tls12: false,
        }
    }
}

/// The certificate by which a door shows itself.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsIdentity {
    /// PEM file: the server certificate first, then its issuing CAs. No default.
    pub certificate: PathBuf,
    /// PEM file with its private key (PKCS#8, SEC 1 or PKCS#1), mode 0600. No default.
    pub private_key: PathBuf,
}

/// SHA-256 of a certificate's DER form, written as 64 lower-case hex digits; the colons and
/// capitals that other tools print are read too.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint(pub [u8; 32]);

impl FromStr for Fingerprint {
    type Err = mbx_common::id::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|&c| c != ':').collect();
        mbx_common::id::parse_hex(&digits.to_ascii_lowercase()).map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        mbx_common::id::write_hex(f, &self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_other_tools_print_it_and_written_one_way() {
        let printed = "AB:".repeat(31) + "AB";
        let fingerprint: Fingerprint = printed.parse().unwrap();
        assert_eq!(fingerprint.to_string(), "ab".repeat(32));
        assert!("abab".parse::<Fingerprint>().is_err());
        assert!("zz".repeat(32).parse::<Fingerprint>().is_err());
    }
}
