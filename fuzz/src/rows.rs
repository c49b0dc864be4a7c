//! Rows of the index, sealed keys, manifests.

use super::{choose, one_spelling, settles};
use mbxd::{audit, hsm, keys, mailbox, operators, registers, store};

type Read = fn(&[u8]) -> Option<Vec<u8>>;

/// Whatever stands for a key at rest.
pub(super) fn keys(bytes: &[u8]) {
    const FORMS: [Read; 9] = [
        keys::fuzzing::sealed_dek,
        keys::fuzzing::public_key,
        keys::fuzzing::mailbox_keys,
        keys::fuzzing::key_row,
        keys::fuzzing::root_secret,
        keys::fuzzing::directory_row,
        hsm::fuzzing::sealed_secret,
        store::fuzzing::file_header,
        store::fuzzing::batch,
    ];
    let Some((form, row)) = choose(bytes, FORMS.len() + 2) else { return };
    match FORMS.get(form) {
        // The last two put checksums right, so that what they read is not what came.
        Some(read) if form < 7 => one_spelling(*read, row),
        Some(read) => drop(settles(*read, row)),
        None if form == FORMS.len() => {
            assert_ne!(keys::fuzzing::lookup_check(row), Some(true), "a forged row fits");
            if let Ok(text) = std::str::from_utf8(row) {
                drop(keys::parse_lookup_credential(text));
            }
        }
        None => {
            assert_eq!(keys::fuzzing::register_records(row), None, "a forged record opens");
        }
    }
}

/// Rows of a version byte and postcard, and keys of tables.
pub(super) fn rows(bytes: &[u8]) {
    const FORMS: [Read; 7] = [
        mailbox::fuzzing::row,
        mailbox::fuzzing::due,
        operators::fuzzing::row,
        audit::fuzzing::checkpoint_row,
        store::fuzzing::progress,
        registers::fuzzing::row,
        store::fuzzing::value,
    ];
    let Some((form, row)) = choose(bytes, FORMS.len()) else { return };
    one_spelling(FORMS[form], row);
}

/// A manifest, and base64 text as it lies in a payload.
pub(super) fn manifest(bytes: &[u8]) {
    let Some((form, text)) = choose(bytes, 2) else { return };
    if form == 0 {
        settles(mailbox::fuzzing::manifest, text);
        return;
    }
    let decoded = mailbox::decode_base64(text);
    let mut pieces = Vec::new();
    let each = mailbox::decode_each(text, |piece| pieces.extend_from_slice(piece));
    assert_eq!(decoded.as_ref().ok(), each.ok().map(|()| &pieces), "two decoders, two answers");
    if let (Ok(octets), Some(len)) = (decoded, mailbox::fuzzing::base64_len(text)) {
        assert_eq!(u64::try_from(octets.len()).ok(), Some(len), "counted otherwise than decoded");
    }
}
