//! What staff do with mailboxes: register, show, suspend, count, trace, verify. Never content.

mod batch;
mod deliveries;
mod error;
mod figures;
mod holders;
mod messages;
mod record;
mod register;
mod state;
mod trace;
mod verify;

pub use batch::{BatchDone, BatchError, FileBatch, RefusedRow};
pub use deliveries::{DeliveryFacts, DeliveryFilter, DeliveryPage};
pub use error::StaffError;
pub use figures::{Contents, Figures, Stats};
pub use holders::{
    Holder, HolderDetail, HolderFilter, HolderPage, MailboxPage, Numbers, ShownNumber,
};
pub use messages::{MessageFacts, MessageFilter, MessagePage};
pub use record::Acceptance;
pub use register::{RegisterError, Registered, Registration};
pub use state::StateChanged;
pub(super) use trace::Commits;
pub use trace::{Place, Trace};
pub use verify::{Fault, Finding, Verified, Verifier, VerifyError, verification};
#[cfg(test)]
pub(super) use verify::{Progress, Scope};
