//! `/v1/users`: people and organisations that hold a mailbox.

use crate::assurance::Loa;
use crate::holder::{HolderKind, MailboxState};
use crate::id::{JobId, MailboxId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A national number on its way: 12 digits. Personal data: its value has no `Debug`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct NumberText(String);

impl NumberText {
    /// Takes the text as given; the daemon reads it as a number.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the wire and for reading the number.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NumberText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberText(redacted)")
    }
}

impl Drop for NumberText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// `POST /v1/users`: registers one holder.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The holder's number.
    pub number: NumberText,
    /// What kind of holder; absent: person for a person's number, company for an organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<HolderKind>,
    /// Version of the terms that were accepted; absent: the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// When they were accepted; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// The level of assurance at which they were accepted.
    pub loa: Loa,
    /// Where the evidence of the acceptance is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether the address register is left alone.
    #[serde(default)]
    pub no_registry: bool,
}

/// What the address register knows of a registration.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryState {
    /// It was not told.
    NotTold,
    /// It was asked and has not answered.
    Pending,
    /// It confirmed.
    Confirmed,
}

/// A holder registered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Registered {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, masked.
    pub number: String,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The level of assurance at acceptance.
    pub loa: Loa,
    /// Version of the terms accepted.
    pub terms: String,
    /// Label of the KEK that the key pairs are under, basic tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kek: Option<String>,
    /// What the address register knows.
    pub registry: RegistryState,
    /// Position in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}

/// `POST /v1/users/batch`: some rows of a registration file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationBatch {
    /// SHA-256 of the whole file, 64 hex digits: names the job.
    pub file_sha256: String,
    /// Rows in the whole file, without its heading.
    pub rows_total: u64,
    /// Number of the first row in this batch, from 0.
    pub first_row: u64,
    /// The rows, at most `limit::REGISTER_BATCH_ROWS_MAX`; none: asks where the job stands.
    pub rows: Vec<Registration>,
}

/// What became of a batch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BatchDone {
    /// The job.
    pub job: JobId,
    /// The row that the daemon expects next: the cursor.
    pub next_row: u64,
    /// Rows registered so far by this job.
    pub registered: u64,
    /// Rows of this batch that were not registered.
    pub refused: Vec<RefusedRow>,
    /// Whether the whole file was taken.
    pub finished: bool,
}

/// A row of a file that was not registered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RefusedRow {
    /// Number of the row, from 0.
    pub row: u64,
    /// `MBX-nnnn`.
    pub code: crate::error::Code,
    /// Why, without the number.
    pub reason: String,
}

/// `GET /v1/users`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// Only this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MailboxState>,
    /// Only this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<HolderKind>,
    /// Only registered since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A holder in a list.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct UserRow {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, masked unless it was to be revealed; absent where the role may not see it or
    /// the register secret is not open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// Since when in this state.
    pub since: Timestamp,
}

/// A holder in full.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct User {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The number, masked unless it was to be revealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What kind of holder.
    pub kind: HolderKind,
    /// The state.
    pub state: MailboxState,
    /// Since when in this state.
    pub since: Timestamp,
    /// When it was registered.
    pub registered: Timestamp,
    /// The acceptance of the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Acceptance>,
    /// What the address register knows.
    pub registry: RegistryState,
    /// Messages and sizes.
    pub contents: super::mailbox::Contents,
    /// Key epoch of the basic and of the high tier; absent while the directory cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<[u32; 2]>,
}

// The number may have been asked for in full.
impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

/// Terms as a holder accepted them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Acceptance {
    /// Version.
    pub version: String,
    /// SHA-256 of the text, 64 hex digits.
    pub sha256: String,
    /// When.
    pub accepted_at: Timestamp,
    /// At which level of assurance.
    pub loa: Loa,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether these are the current terms.
    pub current: bool,
}

/// `POST /v1/users/find`: the mailbox of a number; the number stands in the body, never in a path.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FindRequest {
    /// The number.
    pub number: NumberText,
}

/// The mailbox of a number.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Found {
    /// The mailbox.
    pub mailbox: MailboxId,
}

/// A mailbox whose state was changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StateChanged {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The state now.
    pub state: MailboxState,
    /// Position in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_a_row_is_not_shown_by_debug() {
        let text = r#"{"mailbox":"mbx_01010101010101010101010101010101","number":"191212121212",
            "kind":"person","state":"active","since":"2026-11-24T10:00:00Z","messages":1}"#;
        let row: UserRow = serde_json::from_str(text).unwrap();
        assert_eq!(row.number.as_deref(), Some("191212121212"));
        assert!(!format!("{row:?}").contains("1912"));
    }
}
