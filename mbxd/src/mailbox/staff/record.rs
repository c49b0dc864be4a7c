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

    /// Writes the record; wiped on drop.
    pub(super) fn plain(&self) -> Result<Zeroizing<Vec<u8>>, BadRow> {
        Ok(Zeroizing::new(self.encode()?.to_vec()))
    }
}

impl Drop for RegisterRecord {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}
