//! Putting bytes aside that are about to be cut.

use super::back_end::{BackEnd, BackFile, read_exact_at, write_all_at};
use std::io::{self, ErrorKind, IoSlice};
use std::ops::Range;
use std::sync::Arc;

/// Bytes copied at once.
const BLOCK_LEN: u64 = 1 << 20;

/// Copies a part of a file into a new one beside it, `<name>.torn-<offset>`, durably; returns that
/// one's name. Zeros alone are no loss: then there is none.
///
/// # Errors
/// Those of the file system.
pub(super) fn put_aside(
    back: &dyn BackEnd,
    (name, file): (&str, &dyn BackFile),
    part: Range<u64>,
) -> io::Result<Option<String>> {
    let mut aside: Option<(Arc<dyn BackFile>, String)> = None;
    let mut at = part.start;
    while at < part.end {
        let len = part.end.saturating_sub(at).min(BLOCK_LEN);
        let mut block = vec![0; usize::try_from(len).unwrap_or(0)];
        read_exact_at(file, at, &mut block)?;
        if block.iter().any(|byte| *byte != 0) {
            let (copy, _) = match &mut aside {
                Some(aside) => aside,
                none => none.insert(create(back, name, part.start)?),
            };
            let place = at.saturating_sub(part.start);
            write_all_at(&**copy, place, &mut [IoSlice::new(&block)])?;
        }
        at = at.saturating_add(len);
    }
    let Some((copy, kept)) = aside else { return Ok(None) };
    copy.sync()?;
    back.sync_folder(folder(name))?;
    Ok(Some(kept))
}

/// A new file; what was put aside before stays.
fn create(back: &dyn BackEnd, name: &str, offset: u64) -> io::Result<(Arc<dyn BackFile>, String)> {
    let mut kept = format!("{name}.torn-{offset}");
    let mut copies = 1_u32;
    loop {
        match back.create(&kept) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                copies = copies.saturating_add(1);
                kept = format!("{name}.torn-{offset}.{copies}");
            }
            created => return Ok((created?, kept)),
        }
    }
}

/// The folder of a file.
pub(super) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
