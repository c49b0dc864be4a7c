//! What staff do with mailboxes: register, show, suspend, count, trace, verify. Never content.

mod batch;
mod deliveries;
mod figures;
mod holders;
mod messages;
mod record;
mod register;
mod verify;

pub use batch::{BatchDone, BatchError, FileBatch, RefusedRow};
pub use deliveries::{DeliveryFacts, DeliveryFilter, DeliveryPage, Trace};
pub use figures::{Contents, Stats};
pub use holders::{Holder, HolderDetail, HolderFilter, HolderPage, StaffError, StateChanged};
pub use messages::{MessageFacts, MessageFilter, MessagePage};
pub use record::Acceptance;
pub use register::{RegisterError, Registered, Registration};
pub use verify::{Fault, Finding, Verified, VerifyError};
