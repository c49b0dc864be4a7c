//! Entry points for hostile bytes (`fuzz/`).

use super::certificate::{Facts, parse};
use super::crl::Crl;
use super::organisation::organisation;
use mbx_common::time::Timestamp;

/// A certificate: whether its facts can be read.
pub fn certificate(der: &[u8]) -> bool {
    if let Ok(certificate) = parse(der) {
        let _ = organisation(&certificate);
    }
    Facts::of(der).is_ok()
}

/// A revocation list, where no issuer is known: always refused.
pub fn revocation_list(der: &[u8]) -> bool {
    Crl::read(der, &[], Timestamp::EPOCH).is_ok()
}
