//! What stands in an export beside its entries.

use crate::audit::event::Event;
use crate::audit::text::Hex;
use crate::audit::tree::Hash;
use crate::time::{Period, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Write as _;

/// Names the form of an export; a new form has a new number.
pub const SCHEMA: &str = "mbx-audit-export/1";

/// The files of an export. They stand in the single file in this order.
pub mod files {
    /// What the export holds.
    pub const MANIFEST: &str = "manifest.json";
    /// How to check it, for people.
    pub const README: &str = "README.txt";
    /// The keys that sign checkpoints, one verifier key a line.
    pub const KEYS: &str = "keys.txt";
    /// The checkpoint that covers every entry of the export: a signed note.
    pub const CHECKPOINT: &str = "checkpoint.txt";
    /// What joins the entries to the checkpoint.
    pub const PROOF: &str = "proof.json";
    /// Every checkpoint among the entries.
    pub const CHECKPOINTS: &str = "checkpoints.jsonl";
    /// Event codes and what they mean.
    pub const EVENTS: &str = "events.csv";
    /// The entries, each with its bytes.
    pub const ENTRIES: &str = "entries.jsonl";
    /// The entries for a spreadsheet.
    pub const TABLE: &str = "entries.csv";
    /// All of them, in order.
    pub const ALL: [&str; 9] =
        [MANIFEST, README, KEYS, CHECKPOINT, PROOF, CHECKPOINTS, EVENTS, ENTRIES, TABLE];
}

/// How to check an export, for people: the content of `README.txt`.
pub const README: &str = "\
This is a period of the audit log of an mbx mailbox operator.

Check it:            mbxctl audit verify FILE
Know the signer:     give the keys that the operator told you, in a file like keys.txt, with --keys
Know the end:        give a checkpoint that you kept yourself with --from

entries.jsonl        one entry a line; \"leaf\" holds the very bytes that the log's tree hashes
entries.csv          the same for a spreadsheet; a cell that would run as a formula begins with '
checkpoint.txt       a signed note (C2SP tlog-checkpoint) that covers every entry here
checkpoints.jsonl    every checkpoint that was signed within the period
proof.json           hashes that join the entries to the checkpoint (RFC 6962)
keys.txt             verifier keys (C2SP signed-note) of the checkpoints
events.csv           what the event codes mean
manifest.json        what is here, with SHA-256 of each file

The first and the last entry may lie just outside the period: they show that none is missing at its
borders. The log is secret: keep this as the law and your contract ask.
";

/// `manifest.json`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Name of the log.
    pub origin: String,
    /// The period that was asked for.
    pub period: Period,
    /// When the export was made.
    pub created: Timestamp,
    /// Position of the first entry.
    pub first: u64,
    /// Position after the last entry.
    pub until: u64,
    /// Every other file, in order.
    pub files: Vec<FileInfo>,
}

/// One file of an export.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// SHA-256 of it.
    pub sha256: HexHash,
}

/// `proof.json`: joins the entries `first..until` to the tree of the checkpoint.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Position of the first entry.
    pub first: u64,
    /// Roots of the full subtrees over the entries before `first`, the largest first.
    pub frontier: Vec<HexHash>,
    /// Position after the last entry.
    pub until: u64,
    /// Size of the log at the checkpoint.
    pub size: u64,
    /// Hashes over the entries `until..size`, as `suffix_ranges` cuts them.
    pub suffix: Vec<HexHash>,
}

/// One line of `checkpoints.jsonl`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointLine {
    /// Size of the log at it.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// A hash written as 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HexHash(pub Hash);

impl Serialize for HexHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::id::parse_hex(&text).map(Self).map_err(D::Error::custom)
    }
}

/// The content of `events.csv`.
pub fn event_catalogue() -> String {
    let mut text = "event,meaning\r\n".to_owned();
    for event in Event::ALL {
        let _infallible = write!(text, "{event},\"{}\"\r\n", event.title().replace('"', "\"\""));
    }
    text
}
