//! What the self-check knows of the log.

use mbx_common::time::Timestamp;

/// What the self-check knows of the log. Staff's commands ask before they let somebody in or give a
/// secret out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Integrity {
    /// Not checked since the start.
    #[default]
    Unchecked,
    /// Entries, tree and checkpoints agree.
    Sound {
        /// When that was found.
        at: Timestamp,
        /// Size of the log then.
        size: u64,
    },
    /// They do not: nothing is signed, somebody must look.
    Violated {
        /// When that was found.
        at: Timestamp,
        /// What is wrong, in one sentence.
        finding: String,
    },
}

impl Integrity {
    /// Whether something is known to be wrong.
    pub const fn is_violated(&self) -> bool {
        matches!(self, Self::Violated { .. })
    }
}
