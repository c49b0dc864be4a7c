//! The HSM room: everything that talks to the token, behind few calls.
//!
//! A supervisor thread opens the token, watches it and opens it anew when it is lost; worker
//! threads own a session each and take jobs from one bounded queue. The only health check that is
//! believed is a known-answer operation with the real key. A PIN that the token refused is never
//! tried again by itself.

mod attributes;
mod canary;
mod context;
mod crew;
mod custody;
mod fault;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod job;
mod lend;
mod metrics;
mod pin;
mod pins;
mod pkcs11;
mod probe;
mod sealed;
mod session;
mod sheet;
mod supervisor;
mod worker;

#[cfg(test)]
mod tests;

pub use custody::{
    Custody, CustodyError, KeyPurpose, KeySpec, Public, Sealed, Secret32, Signature, State, Status,
};
pub use metrics::{Latency, Metrics, Operation};
pub use pkcs11::{HsmOptions, Pkcs11Custody, StartError, check};
pub use sheet::{Check, Outcome, Rate, Sheet};
