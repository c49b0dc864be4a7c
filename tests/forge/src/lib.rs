//! Derives hostile and odd deliveries from valid ones, by composition, from a seed; and judges what
//! the product takes of them.
//!
//! A case is a valid delivery and none to four [`moves`], each at its own step: what is said, how
//! the sender signs, what becomes of it before the seal, how the dispatcher signs, what becomes of
//! it behind the seal, how it is written, what becomes of the bytes. Signatures are made where the
//! case calls for it, so that what is refused is refused for what it is.
//!
//! The rule that is held: *what is stored and shown is exactly what both signers signed, or nothing
//! is stored.* The [`judge`] knows from the ledger what every key signed; it shares no parser, no
//! canonical form and no verifier with the product. Independent verifiers judge besides
//! ([`oracle`]).
#![expect(
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "a generator of tests: what does not hold in it fails the test"
)]

pub mod base;
pub mod canonical;
pub mod disagree;
pub mod facts;
pub mod forge;
pub mod judge;
pub mod keys;
pub mod moves;
pub mod oracle;
pub mod scene;
pub mod sign;
pub mod tree;
pub mod wire;
