//! Signed statements of how far the log has come: checkpoints, notes and the keys that check them.
//!
//! Source: C2SP `tlog-checkpoint` and `signed-note`, so that tools of others can check them too.

mod body;
mod key;
mod note;

pub use body::{BadCheckpoint, Checkpoint};
pub use key::{BadKey, PublicKey, VerifierKey};
pub use note::{NoteError, SignedNote};

#[cfg(test)]
mod tests;
