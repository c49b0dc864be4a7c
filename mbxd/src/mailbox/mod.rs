//! Mailboxes: register, accept a delivery, list, open, delete; one unit of work each.
//!
//! Every act goes through [`Mailboxes`]. A delivery needs no key that reads
//! ([`Mailboxes::accept`]); reading asks for an `access::Grant`. Staff see metadata only: nothing
//! here gives them content.

mod accept;
mod base64_text;
#[doc(hidden)]
pub mod fuzzing;
pub mod incoming;
mod manifest;
pub mod reading;
mod recipients;
mod refuse;
mod row;
mod sealing;
mod service;
pub mod staff;
mod sweep;

pub use accept::{AcceptError, Accepted};
pub use base64_text::{NotBase64, decode_base64, decode_each};
pub use manifest::{BadManifest, BadPart};
pub use refuse::RefuseError;
pub use row::DeliveryOutcome;
pub use sealing::SealError;
pub use service::{Mailboxes, Options, Surroundings, Terms};
pub use sweep::{SweepError, Swept};

#[cfg(test)]
mod tests;
