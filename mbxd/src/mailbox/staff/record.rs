//! What the register keeps of a holder, in clear: only ever inside an encrypted record.

use crate::store::{BadRow, Row};
use mbx_common::assurance::Loa;
use mbx_common::identity::NationalNumber;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Terms as a holder accepted them (K6.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Acceptance {
    /// Name of the version.
    pub version: String,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
    /// When.
    pub accepted: Timestamp,
    /// At which level of assurance.
    pub loa: Loa,
    /// Where the evidence is.
    pub reference: Option<String>,
}

/// The register record's plaintext (`docs/formats/register-record.md`).
#[derive(Deserialize, Serialize)]
pub(super) struct RegisterRecord {
    digits: [u8; NationalNumber::LEN],
    pub(super) acceptance: Acceptance,
}

impl Row for RegisterRecord {
    const VERSION: u8 = 1;
}

impl RegisterRecord {
    pub(super) fn new(number: &NationalNumber, acceptance: Acceptance) -> Self {
        Self { digits: *number.digits(), acceptance }
    }

    pub(super) fn number(&self) -> Result<NationalNumber, BadRow> {
        let text: Zeroizing<String> =
            Zeroizing::new(self.digits.iter().copied().map(char::from).collect());
        text.parse().map_err(|_| BadRow)
    }

    /// Writes the record; wiped on drop. Room enough is taken at once: a buffer that grows leaves
    /// what it held behind.
    pub(super) fn plain(&self) -> Result<Zeroizing<Vec<u8>>, BadRow> {
        let reference = self.acceptance.reference.as_ref().map_or(0, String::len);
        let texts = self.acceptance.version.len().saturating_add(reference);
        let mut plain = Zeroizing::new(vec![0; FIXED_LEN_MAX.saturating_add(texts)]);
        let (version, fields) = plain.split_first_mut().ok_or(BadRow)?;
        *version = Self::VERSION;
        let len = postcard::to_slice(self, fields).map_err(|_| BadRow)?.len();
        plain.truncate(len.saturating_add(1));
        Ok(plain)
    }
}

/// At most what the record takes besides its two texts: version, number, digest, moment, level and
/// the texts' lengths.
const FIXED_LEN_MAX: usize = 1 + NationalNumber::LEN + 32 + 10 + 1 + 1 + 2 * 10;

impl Drop for RegisterRecord {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_as_a_row_of_its_version_whatever_its_texts() {
        for (version, reference) in
            [("", None), ("2026-01", Some(String::new())), ("v", Some("x".repeat(500)))]
        {
            let acceptance = Acceptance {
                version: version.to_owned(),
                sha256: [7; 32],
                accepted: Timestamp::EPOCH.plus_millis(253_402_207_200_000),
                loa: Loa::Four,
                reference,
            };
            let record = RegisterRecord::new(&"191212121212".parse().unwrap(), acceptance);
            let plain = record.plain().unwrap();
            assert_eq!(plain.as_slice(), &record.encode().unwrap()[..]);
            let again = RegisterRecord::decode(&plain).unwrap();
            assert_eq!(again.number().unwrap().digits(), b"191212121212");
        }
    }
}
