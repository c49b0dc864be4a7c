//! The other side of every door: authorities that sign and seal as real senders do, a portal, a
//! load generator, and a ledger of what was acknowledged.
//!
//! It shares no code with the daemon but the identifiers, so that both must agree on the wire.

pub mod client;
pub mod delivery;
pub mod error;
pub mod identity;
pub mod ledger;
pub mod load;
pub mod marshal;
pub mod pki;
pub mod portal;
pub mod sign;
pub mod soap;
pub mod xml;

pub use error::SimError;

/// Seconds since 1970 by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the simulator is no part of the daemon")]
pub fn now_secs() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}
