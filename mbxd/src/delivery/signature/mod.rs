//! The two signatures of a delivery: the sender's and, around it, the dispatcher's seal.
//!
//! They are not plain XML signatures over the wire. A sender signs a standalone document without
//! any prefix, and only then marshals it into the envelope: the root gets another name, prefixes
//! come back, also inside `SignedInfo`. So the digest is taken over a normal form ([`Form`])
//! written straight from the parsed tree, never over the bytes. The profile is narrow: one
//! reference to the element itself, two transforms at most, certificates and nothing else as key
//! information.
//!
//! Absences: no chain, validity, revocation or organisation is looked at here; whoever calls asks
//! `trust` about [`VerifiedLevel::certificates`].
//!
//! Source: contract §4, read in independent implementations and confirmed on genuine samples;
//! XML Signature 1.1; Exclusive XML Canonicalization 1.0.
#![warn(clippy::arithmetic_side_effects)]

mod algorithm;
mod canonical;
mod error;
mod key;
mod level;
mod low_s;
mod policy;
mod shape;
mod verify;

pub use algorithm::{DigestAlgorithm, SignatureAlgorithm};
pub use canonical::Form;
pub use error::{Cause, Level, SignatureError};
pub use policy::Policy;
pub use verify::{Verified, VerifiedLevel, verify, verify_document};
#[doc(hidden)]
pub use verify::{canonical_len, vouch};

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::format_collect,
    clippy::string_slice,
    reason = "tests count, and cut texts at places that they found"
)]
pub(in crate::delivery) mod tests;
