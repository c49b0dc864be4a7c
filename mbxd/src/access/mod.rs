//! Holder side: who may do what. Rules only; nothing here reads or writes.
//!
//! [`decide()`] is the one total function (`docs/architecture.md`): person, mailbox, action, level of
//! assurance and rules give a [`Grant`] or a [`Denied`]. A grant comes from nowhere else, and
//! nothing of a mailbox is read without one. Sources: K6.4–K6.7.

mod action;
mod decide;
mod denied;
mod facts;
mod grant;

pub use action::Action;
pub use decide::decide;
pub use denied::Denied;
pub use facts::{Attempt, HeldMailbox, Identified, Rules};
pub use grant::{Capacity, Grant};

#[cfg(test)]
mod tests;
