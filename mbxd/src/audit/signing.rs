//! What is kept and told of checkpoints between two of them.

use crate::hsm::KeySpec;
use mbx_common::audit::checkpoint::VerifierKey;
use mbx_common::audit::tree::Tree;
use mbx_common::time::Timestamp;

/// What the signer keeps between two checkpoints.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// The log as far as it was followed; nothing before the first look.
    pub(super) followed: Option<Followed>,
    /// The verifier key of the signing key, read from the token once.
    pub(super) verifier: Option<(KeySpec, VerifierKey)>,
    /// Since when entries have waited.
    pub(super) waiting_since: Option<Timestamp>,
    /// Whether an attempt was made since the start.
    pub(super) has_tried: bool,
}

/// The log as far as checkpoints have followed it.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) tree: Tree,
    /// Size at the last stored frontier.
    pub(super) frontier_at: u64,
    /// Size at the last checkpoint, and when that was signed.
    pub(super) signed: Option<(u64, Timestamp)>,
}

/// What `status` and metrics tell of checkpoints.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CheckpointStatus {
    /// Size of the log at the newest checkpoint.
    pub size: Option<u64>,
    /// When it was signed.
    pub signed: Option<Timestamp>,
    /// Entries in the log when it was last looked at.
    pub entries: u64,
    /// Entries that wait for the next one.
    pub waiting: u64,
    /// Why the last attempt failed, in one sentence; `None` after a success.
    pub failure: Option<String>,
}
