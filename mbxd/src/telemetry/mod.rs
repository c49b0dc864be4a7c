//! Logging and metrics.
//!
//! Neither ever carries a national number, subject, content or secret: ids, codes and counts only.

mod chain;
mod log;
pub mod metrics;
mod seldom;

pub use chain::Chain;
pub use log::{TelemetryError, check, start};
pub use seldom::Seldom;
