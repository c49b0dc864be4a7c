//! Content encryption: the format `MBX1` (`docs/formats/mbx1.md`).
//!
//! AES-256-CTR with HMAC-SHA-256, encrypt-then-MAC, in chunks of 64 KiB, so that sealing and
//! reading are streamed and nothing unauthenticated is ever released. Knows bytes and keys only:
//! neither the token nor the store, nor what a mailbox is.
//!
//! Source: K5.3; FIPS 197, SP 800-38A (CTR), FIPS 198-1, RFC 5869.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod dek;
mod header;
mod open;
mod plain;
mod root;
mod seal;
mod tag;

pub use dek::Dek;
pub use header::{CHUNK_LEN, HEADER_LEN, Header, HeaderError, Stretch, TAG_LEN};
pub use open::{OpenError, Reader};
pub use plain::Plain;
pub use root::{ContentRoot, DigestPart, StoredFormError, TagReader, content_root};
pub use seal::{SealedContent, seal};

#[cfg(test)]
mod tests;
