//! What callers ask of the workers.

use super::metrics::Operation;
use super::{CustodyError, KeySpec, Public, Sealed, Secret32, Sheet, Signature};
use std::time::Instant;
use tokio::sync::oneshot;

/// One thing to do in the token.
pub(super) enum Task {
    Seal {
        key: KeySpec,
        secret: Secret32,
    },
    /// The form of the blob was looked at before, and names this key.
    Open {
        key: KeySpec,
        sealed: Sealed,
    },
    Sign {
        key: KeySpec,
        message: Vec<u8>,
    },
    Public {
        key: KeySpec,
    },
    Generate {
        key: KeySpec,
    },
    /// A known-answer operation with each of these keys; answers with those that are missing.
    Examine {
        keys: Vec<KeySpec>,
    },
    /// A known-answer operation with any key, to keep the token awake.
    KeepAlive,
    Test,
}

/// What came out.
pub(super) enum Reply {
    Sealed(Sealed),
    Secret(Secret32),
    Signature(Signature),
    Public(Public),
    Sheet(Box<Sheet>),
    Missing(Vec<KeySpec>),
    Done,
}

/// A task in the queue.
pub(super) struct Job {
    pub(super) task: Task,
    /// When it is no longer worth doing.
    pub(super) deadline: Instant,
    /// When it was queued.
    pub(super) since: Instant,
    pub(super) reply: oneshot::Sender<Result<Reply, CustodyError>>,
}

impl Task {
    /// The key that it is about, where it is one.
    pub(super) const fn key(&self) -> Option<KeySpec> {
        match self {
            Self::Seal { key, .. }
            | Self::Open { key, .. }
            | Self::Sign { key, .. }
            | Self::Public { key }
            | Self::Generate { key } => Some(*key),
            Self::Examine { .. } | Self::KeepAlive | Self::Test => None,
        }
    }

    /// Under which name its latency is counted.
    pub(super) const fn operation(&self) -> Option<Operation> {
        match self {
            Self::Seal { .. } => Some(Operation::Seal),
            Self::Open { .. } => Some(Operation::Open),
            Self::Sign { .. } => Some(Operation::Sign),
            Self::Examine { .. } | Self::KeepAlive => Some(Operation::Canary),
            Self::Public { .. } | Self::Generate { .. } | Self::Test => None,
        }
    }
}

impl Job {
    /// Answers; a caller that went away does not mind.
    pub(super) fn answer(self, outcome: Result<Reply, CustodyError>) {
        drop(self.reply.send(outcome));
    }
}
