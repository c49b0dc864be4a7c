//! Reading rows of fixed layout.

/// Takes the next `N` bytes; `None` where fewer are left.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*field)
}

/// Takes the next `len` bytes; `None` where fewer are left.
pub(super) fn take_slice<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (field, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(field)
}

/// Takes the next two bytes as a length and as many bytes after them.
pub(super) fn take_short<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = u16::from_be_bytes(take(bytes)?);
    take_slice(bytes, len.into())
}

/// Appends a length of two bytes and the bytes.
///
/// Nothing written here is longer than a sealed secret, which is far below 65,536 bytes: a longer
/// one is cut, and then fails to open.
pub(super) fn put_short(row: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    row.extend_from_slice(&len.to_be_bytes());
    row.extend(bytes.iter().take(len.into()));
}
