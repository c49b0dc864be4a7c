//! The malware scanner: a seam, and what its answers mean.
//!
//! No scanner is connected yet: with `scanner = "none"` everything passes and says that it was not
//! scanned, so that nothing claims more than was done.

mod policy;

pub use policy::{Decision, Findings, Scan, ScanError, Scanner, Verdict, WhenAway};
