//! Harness of the end-to-end tests.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a harness fails the test that uses it"
)]

pub mod alone;
pub mod faults;
pub mod installation;
pub mod kills;
pub mod token;
pub mod trial;
