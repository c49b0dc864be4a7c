//! What a check finds.

use crate::audit::checkpoint::VerifierKey;
use crate::audit::tree::Hash;
use crate::time::Period;

/// One thing that is wrong. Positions count from 0; spans end before their second number.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// The entry is not the one that was logged: its bytes, its hash or its words were changed.
    #[error("entry {position} was altered")]
    Altered {
        /// Where.
        position: u64,
    },
    /// What stands there is no entry.
    #[error("entry {position} cannot be read")]
    Unreadable {
        /// Where.
        position: u64,
    },
    /// Entries are not there.
    #[error("entries {from} to {} are missing", until.saturating_sub(1))]
    Missing {
        /// First one that is missing.
        from: u64,
        /// First one after them.
        until: u64,
    },
    /// An entry stands where another should.
    #[error("entry {found} stands at the place of entry {position}: the order was changed")]
    Reordered {
        /// The position whose place it is.
        position: u64,
        /// The position that the entry claims.
        found: u64,
    },
    /// Up to the earlier checkpoint all is well; by the later one an entry was altered, removed,
    /// added or moved, and its hash with it.
    #[error(
        "entries {after} to {} do not give the root that was signed at {until}: one or more of \
         them were altered, removed, added or moved",
        until.saturating_sub(1)
    )]
    Between {
        /// Size of the log at the last checkpoint that holds.
        after: u64,
        /// Size of the log at the one that does not.
        until: u64,
    },
    /// A checkpoint kept outside says otherwise: this is another log, or an altered one.
    #[error("the checkpoint from outside at {size} has another root than this log")]
    Contradicts {
        /// Its size.
        size: u64,
    },
    /// A checkpoint kept outside proves that the log had more entries than are here.
    #[error("the end is cut: the log had at least {size} entries, this one ends at {until}")]
    CutEnd {
        /// Where it ends.
        until: u64,
        /// Size of the log at the checkpoint from outside.
        size: u64,
    },
    /// The export leaves out entries of its period at the beginning.
    #[error("the export begins at entry {first}, inside its period: earlier entries are left out")]
    CutFront {
        /// Where it begins.
        first: u64,
    },
    /// The export leaves out entries of its period at the end.
    #[error("the export ends at entry {until}, inside its period, while the log goes on")]
    CutPeriod {
        /// Where it ends.
        until: u64,
    },
    /// A checkpoint's signature is false, missing or of a key that is not known.
    #[error("the signature of the checkpoint at {size} does not hold")]
    Signature {
        /// Size that it claims.
        size: u64,
    },
    /// A key is kept as one that signs checkpoints, and either none of the installation's keys has
    /// its id or the HSM has another key under it: somebody planted it, or the log is of another
    /// installation.
    #[error(
        "{key} is kept as a key that signs checkpoints, but is no signing key of this installation"
    )]
    Key {
        /// Its id.
        key: crate::id::KeyId,
    },
    /// A checkpoint of another log.
    #[error("the checkpoint at {size} is of another log")]
    Origin {
        /// Its size.
        size: u64,
    },
    /// A checkpoint that cannot be read.
    #[error("a checkpoint after {after} cannot be read")]
    Checkpoint {
        /// Size of the one before.
        after: u64,
    },
    /// A file is not as the manifest says, or is not there.
    #[error("{name} is not the file that the manifest names")]
    File {
        /// Its name.
        name: &'static str,
    },
    /// The table for spreadsheets says something else than the entries.
    #[error("entries.csv differs from entries.jsonl")]
    Table,
    /// The tree that the engine keeps is not that of its entries.
    #[error("the log's tree of {size} entries has another root than its entries")]
    Tree {
        /// Size of the tree.
        size: u64,
    },
}

/// Findings, of which the first are kept and all are counted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    kept: Vec<Finding>,
    count: u64,
}

impl Findings {
    /// Findings that are kept.
    pub const KEPT_MAX: usize = 1000;

    /// Adds one.
    pub fn add(&mut self, finding: Finding) {
        self.count = self.count.saturating_add(1);
        if self.kept.len() < Self::KEPT_MAX {
            self.kept.push(finding);
        }
    }

    /// The first [`Findings::KEPT_MAX`].
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are in all.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// What a check of a log or an export tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Name of the log.
    pub origin: String,
    /// The period that the export says to hold; `None` for a live log.
    pub period: Option<Period>,
    /// Position of the first entry that was hashed.
    pub first: u64,
    /// Position after the last one.
    pub until: u64,
    /// Root over the whole log up to `until`, as the entries give it.
    pub root: Hash,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// Size of the log at the newest checkpoint that holds.
    pub covered: u64,
    /// The keys that checkpoints were checked with.
    pub keys: Vec<VerifierKey>,
    /// Whether these keys came from outside, not from the export itself.
    pub keys_from_outside: bool,
    /// Entries whose codes this program does not know; hashed, but not read.
    pub unread: u64,
    /// Checkpoints from outside that hold.
    pub anchors: u64,
    /// What was not checked, and why, in sentences.
    pub unchecked: Vec<String>,
    /// What is wrong.
    pub findings: Findings,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.findings.count() == 0
    }
}
