//! Entry points for hostile bytes (`fuzz/`): each reads as the room does and, where the bytes are
//! taken, gives what writing them again yields. Checksums are put right first, so that what they
//! guard is read.

pub use super::embedded::fuzzing::{group, progress, record, segment, value};
pub use super::records::fuzzing::{batch, file_header};
