//! Segment files of the log: names, headers, making and listing them. Bytes:
//! `docs/formats/log.md`, "Segment".

use super::error::OpenError;
use crate::store::back_end::{BackEnd, BackFile, SECTOR_LEN, read_exact_at, write_all_at};
use crate::store::bytes_at::{array_at, u16_at, u32_at, u64_at};
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

/// The folder of the segments.
pub(super) const FOLDER: &str = "log";

/// Where the first group of a segment begins.
pub(super) const FIRST_GROUP: u64 = SECTOR_LEN;

/// Newest format of segments: the only one written.
pub(super) const FORMAT: u16 = 1;

pub(super) const HEADER_LEN: usize = 512;
const MAGIC: &[u8; 6] = b"MBXLOG";
const EXTENSION: &str = ".seg";
const NEW: &str = ".new";

/// Random bytes that name one store: a segment of another one is recognised.
pub(super) type StoreId = [u8; 16];

/// What the first sector of a segment says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Segment {
    pub(super) store: StoreId,
    pub(super) number: u32,
    /// LSN of its first unit. The unit with LSN n stands in the segment with the highest number
    /// whose first LSN is not above n: a later segment that begins below supersedes.
    pub(super) first_lsn: u64,
    /// Leaf index of its first unit.
    pub(super) first_leaf: u64,
}

impl Segment {
    /// The file's name.
    pub(super) fn name(&self) -> String {
        name(self.number)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.first_lsn.to_be_bytes());
        bytes.extend_from_slice(&self.first_leaf.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes.resize(HEADER_LEN, 0);
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER_LEN], number: u32) -> Result<Self, OpenError> {
        let damaged = || OpenError::Damaged { segment: number, offset: 0 };
        let sum = bytes.get(..48).map(crc32c::crc32c);
        if !bytes.starts_with(MAGIC) || sum != u32_at(bytes, 48) {
            return Err(damaged());
        }
        match u16_at(bytes, 6) {
            Some(FORMAT) => {}
            Some(found) if found > FORMAT => return Err(OpenError::Newer { found, known: FORMAT }),
            _ => return Err(damaged()),
        }
        let read = || {
            let number = u32_at(bytes, 24)?;
            let (first_lsn, first_leaf) = (u64_at(bytes, 32)?, u64_at(bytes, 40)?);
            Some(Self { store: array_at(bytes, 8)?, number, first_lsn, first_leaf })
        };
        read().filter(|segment| segment.number == number).ok_or_else(damaged)
    }

    /// Makes the segment's file under a name that does not count yet: reserved and synced.
    ///
    /// `write` may write groups, and returns where they end. Where the disk has no room for the
    /// `reserve` wanted, it is left out: the watermarks guard what follows.
    pub(super) fn prepare(
        &self,
        back: &dyn BackEnd,
        reserve: u64,
        write: impl FnOnce(&dyn BackFile) -> Result<u64, OpenError>,
    ) -> Result<(Arc<dyn BackFile>, u64), OpenError> {
        let new = self.new_name();
        remove_if_there(back, &new)?;
        let file = back.create(&new)?;
        match self.write_new(&*file, reserve, write) {
            Ok(end) => Ok((file, end)),
            Err(error) => {
                // Best effort: it is also removed at the next opening.
                let _ignored = remove_if_there(back, &new);
                Err(error)
            }
        }
    }

    /// Gives a prepared segment its name, durable. From the first moment on, even if this fails,
    /// it supersedes: nothing may be written to the segment before it any more.
    pub(super) fn begin(&self, back: &dyn BackEnd) -> io::Result<()> {
        back.rename(&self.new_name(), &self.name())?;
        back.sync_folder(FOLDER)
    }

    fn new_name(&self) -> String {
        format!("{FOLDER}/{:08}{NEW}", self.number)
    }

    fn write_new(
        &self,
        file: &dyn BackFile,
        reserve: u64,
        write: impl FnOnce(&dyn BackFile) -> Result<u64, OpenError>,
    ) -> Result<u64, OpenError> {
        match file.allocate(reserve) {
            Err(error) if error.kind() == ErrorKind::StorageFull => {}
            reserved => reserved?,
        }
        write_all_at(file, 0, &mut [IoSlice::new(&self.encode())])?;
        let end = write(file)?;
        file.sync()?;
        Ok(end)
    }
}

/// The name of a segment's file.
pub(super) fn name(number: u32) -> String {
    format!("{FOLDER}/{number:08}{EXTENSION}")
}

/// Removes left-overs and segments that a later one supersedes wholly; gives the rest by number.
/// For the opening and the committer alone: a segment being made looks like a left-over.
pub(super) fn list(back: &dyn BackEnd) -> Result<Vec<Segment>, OpenError> {
    for file in back.list(FOLDER)?.iter().filter(|file| file.ends_with(NEW)) {
        back.remove(&format!("{FOLDER}/{file}"))?;
    }
    let (kept, superseded) = read_headers(back)?;
    for segment in superseded {
        back.remove(&segment.name())?;
    }
    Ok(kept)
}

/// The segments by number, but for those that a later one supersedes wholly.
pub(super) fn read_all(back: &dyn BackEnd) -> Result<Vec<Segment>, OpenError> {
    Ok(read_headers(back)?.0)
}

/// The segments that count, by number, and those superseded from their first unit on.
fn read_headers(back: &dyn BackEnd) -> Result<(Vec<Segment>, Vec<Segment>), OpenError> {
    let files = back.list(FOLDER)?;
    let names = files.iter().filter_map(|file| file.strip_suffix(EXTENSION));
    let mut numbers: Vec<u32> = names.filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    let (mut kept, mut superseded): (Vec<Segment>, Vec<Segment>) = Default::default();
    for number in numbers.into_iter().rev() {
        let segment = read_header(back, number)?;
        match kept.last() {
            Some(later) if later.store != segment.store => {
                return Err(OpenError::Stranger { segment: later.number });
            }
            Some(later) if segment.first_lsn >= later.first_lsn => superseded.push(segment),
            _ => kept.push(segment),
        }
    }
    kept.reverse();
    Ok((kept, superseded))
}

fn read_header(back: &dyn BackEnd, number: u32) -> Result<Segment, OpenError> {
    let file = back.open(&name(number))?;
    let mut bytes = [0; HEADER_LEN];
    match read_exact_at(&*file, 0, &mut bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(OpenError::Damaged { segment: number, offset: 0 })
        }
        read => {
            read?;
            Segment::decode(&bytes, number)
        }
    }
}

fn remove_if_there(back: &dyn BackEnd, name: &str) -> io::Result<()> {
    match back.remove(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
