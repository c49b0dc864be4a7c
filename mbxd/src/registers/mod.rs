//! Who may deliver: senders and the dispatchers that act for them.
//!
//! Deny by default. The lists come from staff until the infrastructure's address register is
//! connected; the company register joins with its issue.

mod entitlement;
#[doc(hidden)]
pub mod fuzzing;
mod row;
mod senders;

pub use entitlement::{Claim, NotEntitled};
pub use row::{Dispatcher, Sender, Standing};
pub use senders::{Change, Changed, SenderError, Senders};
