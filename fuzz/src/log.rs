//! The log and what is made of it: records, audit entries, checkpoints, exports.

use super::{choose, one_spelling, settles};
use mbx_common::audit::checkpoint::{Checkpoint, SignedNote, VerifierKey};
use mbx_common::audit::export::{csv_line, json_line};
use mbx_common::audit::tree::Tree;
use mbx_common::audit::verify::{Trust, verify_export};
use mbx_common::audit::{Actor, Entry, Subject};
use mbxd::store;
use std::fmt::Display;
use std::str::FromStr;

/// A record, and the headers of groups and segments. Checksums are put right before reading.
pub(super) fn log_record(bytes: &[u8]) {
    let Some((form, bytes)) = choose(bytes, 3) else { return };
    let written = match form {
        0 => settles(store::fuzzing::record, bytes),
        1 => settles(store::fuzzing::group, bytes),
        _ => settles(store::fuzzing::segment, bytes),
    };
    if let (0, Some(written)) = (form, written) {
        assert_eq!(bytes.len(), written.len(), "a record is written with another length");
    }
}

/// An entry, and its spellings in exports.
pub(super) fn audit_entry(bytes: &[u8]) {
    one_spelling(|bytes| Entry::decode(bytes).ok().map(|entry| entry.encode()), bytes);
    drop((json_line(1, bytes), csv_line(1, bytes)));
}

/// Notes, checkpoints, verifier keys, the names of actors and subjects, frontiers.
pub(super) fn checkpoint(bytes: &[u8]) {
    one_spelling(|bytes| Tree::from_bytes(bytes).ok().map(|tree| tree.to_bytes()), bytes);
    let Some((form, text)) = choose(bytes, 5) else { return };
    match form {
        0 => one_spelling(again::<SignedNote>, text),
        1 => one_spelling(again::<Checkpoint>, text),
        2 => one_spelling(again::<VerifierKey>, text),
        3 => drop(settles(again::<Actor>, text)),
        _ => drop(settles(again::<Subject>, text)),
    }
}

/// A whole export.
pub(super) fn audit_export(bytes: &[u8]) {
    drop(verify_export(bytes, Trust::default()));
}

fn again<T: Display + FromStr>(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse::<T>().ok().map(|value| value.to_string().into_bytes())
}
