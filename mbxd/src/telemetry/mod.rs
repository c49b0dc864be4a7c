//! Logging and metrics.
//!
//! Neither ever carries a national number, subject, content or secret: ids, codes and counts only.

mod log;
pub mod metrics;

pub use log::{TelemetryError, start};
