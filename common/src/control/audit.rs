//! `/v1/audit`: searching, following, exporting and verifying the audit log.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET /v1/audit/entries`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only this actor: a login name, an operator id, an organisation number, `daemon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only about this thing: an id with its prefix or an organisation number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only this event: `MBX-A201`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Only since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Read on after this position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One entry, in words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditRow {
    /// Position in the log, from 0.
    pub position: u64,
    /// When.
    pub time: Timestamp,
    /// `MBX-A201`.
    pub event: String,
    /// What the event means.
    pub title: String,
    /// Who: a login name, else as the entry tells it.
    pub actor: String,
    /// The role used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `asked`, `done`, `refused`, `failed`.
    pub result: String,
    /// What it was about.
    pub subjects: Vec<String>,
    /// Facts, as `name value`.
    pub facts: Vec<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The reason given, or the code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// `GET /v1/audit/tail`: the newest entries; with `follow`, each new one as a line as it comes.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TailQuery {
    /// How many of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Whether to go on.
    #[serde(default)]
    pub follow: bool,
}

/// `POST /v1/audit/exports`: a self-contained export of a period, as a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// From this moment on.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// The form.
    #[serde(default)]
    pub format: ExportFormat,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// Self-contained and verifiable: entries, checkpoint, proofs, keys.
    #[default]
    Json,
    /// Rows for a spreadsheet; not verifiable.
    Csv,
    /// Common Event Format lines; not verifiable.
    Cef,
}

/// `POST /v1/audit/verify`: checks the live log.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// A checkpoint kept outside, as signed note text, that the log must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// What verifying found, live or offline.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VerifyReport {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// Name of the log.
    pub origin: String,
    /// Position of the first entry that was hashed.
    pub first: u64,
    /// Entries hashed.
    pub entries: u64,
    /// Root of the tree, 64 hex digits.
    pub root: String,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// Size of the log at the newest checkpoint that holds; entries after it are not signed yet.
    pub covered: u64,
    /// Checkpoints kept outside that hold.
    pub anchors: u64,
    /// Whether the keys came from outside, not from the export itself.
    pub keys_from_outside: bool,
    /// How many things are wrong.
    pub findings_total: u64,
    /// What is wrong, and where; at most the first thousand.
    pub findings: Vec<String>,
    /// What was not checked, and why.
    pub unchecked: Vec<String>,
}

impl From<&crate::audit::verify::Report> for VerifyReport {
    fn from(report: &crate::audit::verify::Report) -> Self {
        use std::fmt::Write as _;
        let mut root = String::with_capacity(64);
        for byte in report.root {
            // Writing to a text cannot fail.
            write!(root, "{byte:02x}").unwrap_or_default();
        }
        Self {
            sound: report.is_sound(),
            origin: report.origin.clone(),
            first: report.first,
            entries: report.until.saturating_sub(report.first),
            root,
            checkpoints: report.checkpoints,
            covered: report.covered,
            anchors: report.anchors,
            keys_from_outside: report.keys_from_outside,
            findings_total: report.findings.count(),
            findings: report.findings.kept().iter().map(ToString::to_string).collect(),
            unchecked: report.unchecked.clone(),
        }
    }
}
