//! Opening the store: taking up the index, replaying the log past it, making that durable again.

use super::aside;
use super::error::OpenError;
use super::group::{self, GroupHeader};
use super::index::{self, Index};
use super::options::Options;
use super::progress::Progress;
use super::segment::{self, FIRST_GROUP, Segment};
use super::take_in::take_in;
use super::walk::{End, Position, Walk, home};
use super::writer::Writer;
use crate::random;
use crate::store::back_end::{BackEnd, BackFile, len_u64, write_all_at};
use mbx_common::audit::tree::Tree;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

/// An index file that is being made.
pub(super) const INDEX_NEW: &str = "index.redb.new";

/// The parts of an open store.
pub(super) struct Opened {
    pub(super) index: Index,
    pub(super) writer: Writer,
    pub(super) progress: Progress,
}

/// Opens the store, or makes one where the folder is empty. The log holds the unit `known_lsn` at
/// least (0 = nothing is known): where it ends before, it is damaged.
///
/// # Errors
/// [`OpenError`]; what [`OpenError::is_of_the_index`] is mended by making the index again.
pub(super) fn open(
    back: &Arc<dyn BackEnd>,
    options: &Options,
    known_lsn: u64,
) -> Result<Opened, OpenError> {
    back.make_folder(segment::FOLDER)?;
    back.sync_folder("")?;
    let mut segments = segment::list(&**back)?;
    // An earlier attempt may have made these names and failed to make them durable.
    back.sync_folder(segment::FOLDER)?;
    let mut index = open_index(&**back, options)?;
    if index.is_none() {
        segments = begin(&**back, options, segments)?;
        index = open_index(&**back, options)?;
    }
    let index = index.ok_or(OpenError::IndexMissing)?;
    let mut progress = index.progress()?;
    let next_lsn = progress.lsn.saturating_add(1);
    let Some(current) = home(&segments, next_lsn).copied() else {
        return Err(OpenError::LogMissing { lsn: progress.lsn });
    };
    if current.store != progress.store {
        return Err(OpenError::Stranger { segment: current.number });
    }
    let writer = match clean_end(&**back, &segments, &current, &progress)? {
        Some(_) if progress.lsn < known_lsn => {
            let Position { segment, offset } = progress.position;
            return Err(OpenError::Damaged { segment, offset });
        }
        Some(file) => {
            reserve(&*file, options.segment_size)?;
            let end = progress.position.offset;
            Writer::new(Arc::clone(back), current, file, end, options.segment_size)
        }
        None => {
            let end = End::NotBefore(known_lsn);
            renew_tail(back, options, &index, (segments, end), &mut progress)?
        }
    };
    Ok(Opened { index, writer, progress })
}

/// Opens the index's file; `None` where there is none.
pub(super) fn open_index(
    back: &dyn BackEnd,
    options: &Options,
) -> Result<Option<Index>, OpenError> {
    match back.open(index::NAME) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        file => Ok(Some(Index::open(file?, options)?)),
    }
}

/// Makes what an empty folder lacks: the first segment, the index. Going on where a crash ended an
/// earlier attempt is told from a lost index by the log, which holds no unit yet.
fn begin(
    back: &dyn BackEnd,
    options: &Options,
    mut segments: Vec<Segment>,
) -> Result<Vec<Segment>, OpenError> {
    if segments.is_empty() {
        let first = Segment { store: random::bytes(), number: 1, first_lsn: 1, first_leaf: 0 };
        // Without reserve it ends where the index will say, as after an orderly end.
        first.prepare(back, FIRST_GROUP, |_| Ok(FIRST_GROUP))?;
        first.begin(back)?;
        segments.push(first);
    }
    let [first] = segments.as_slice() else { return Err(OpenError::IndexMissing) };
    let progress = start_of(first);
    if Walk::new(back, &segments, progress.position, (0, 0), End::NotBefore(0))?
        .next_group()?
        .is_some()
    {
        return Err(OpenError::IndexMissing);
    }
    make_index(back, options, &progress, |_| Ok(()))?;
    Ok(segments)
}

/// The progress of an index that knows nothing of a log that begins with this segment.
pub(super) fn start_of(first: &Segment) -> Progress {
    Progress {
        store: first.store,
        position: Position { segment: first.number, offset: FIRST_GROUP },
        lsn: 0,
        tree: Tree::new(),
    }
}

/// Makes a new index file and lets it take its name when `fill` is done.
pub(super) fn make_index(
    back: &dyn BackEnd,
    options: &Options,
    progress: &Progress,
    fill: impl FnOnce(&Index) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    match back.remove(INDEX_NEW) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let index = Index::open(back.create(INDEX_NEW)?, options)?;
    index.begin(progress)?;
    fill(&index)?;
    index.checkpoint()?;
    index.close()?;
    back.rename(INDEX_NEW, index::NAME)?;
    Ok(back.sync_folder("")?)
}

/// The segment's file, where the store was closed in order: it ends where the index does.
fn clean_end(
    back: &dyn BackEnd,
    segments: &[Segment],
    current: &Segment,
    progress: &Progress,
) -> Result<Option<Arc<dyn BackFile>>, OpenError> {
    let last = segments.last().is_some_and(|last| last.number == current.number);
    if !last || current.number != progress.position.segment {
        return Ok(None);
    }
    let file = back.open(&current.name())?;
    Ok((file.len()? == progress.position.offset).then_some(file))
}

fn reserve(file: &dyn BackFile, len: u64) -> io::Result<()> {
    match file.allocate(len) {
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(()),
        reserved => reserved,
    }
}

/// Writes what the log holds past the index into a new segment, syncs it, and lets the index take
/// it in from there.
///
/// The page cache may hold what never reached the disk, and no sync of ours would tell: a
/// duplicate's answer must not rest on it.
fn renew_tail(
    back: &Arc<dyn BackEnd>,
    options: &Options,
    index: &Index,
    (mut segments, known_end): (Vec<Segment>, End),
    progress: &mut Progress,
) -> Result<Writer, OpenError> {
    let known = (progress.lsn, progress.tree.size());
    let mut walk = Walk::new(&**back, &segments, progress.position, known, known_end)?;
    let number = segments.last().map_or(0, |last| last.number).saturating_add(1);
    let new = Segment {
        store: progress.store,
        number,
        first_lsn: progress.lsn.saturating_add(1),
        first_leaf: progress.tree.size(),
    };
    let copy = |file: &dyn BackFile| copy_tail(&mut walk, file, number);
    let (file, end) = new.prepare(&**back, options.segment_size, copy)?;
    if let Some(unsound) = walk.unsound() {
        aside::keep_altered(&**back, unsound, group::seed(&progress.store))?;
    }
    let copied = End::At(walk.last_lsn());
    new.begin(&**back)?;
    let old = progress.position;
    segments.push(new);
    progress.position = Position { segment: number, offset: FIRST_GROUP };
    let mut walk = Walk::new(&**back, &segments, progress.position, known, copied)?;
    take_in(&mut walk, index, progress)?;
    progress.position = Position { segment: number, offset: end };
    index.checkpoint_at(progress)?;
    drop_superseded(&**back, &segments, &new, old);
    Ok(Writer::new(Arc::clone(back), new, file, end, options.segment_size))
}

fn copy_tail(walk: &mut Walk<'_>, file: &dyn BackFile, segment: u32) -> Result<u64, OpenError> {
    let mut end = FIRST_GROUP;
    let mut first_lsn = walk.next_lsn;
    while let Some(group) = walk.next_group()? {
        let header = GroupHeader {
            records: u32::try_from(group.count()).unwrap_or(u32::MAX),
            records_len: len_u64(group.bytes().len()),
            first_lsn,
            // The segment is synced before it gets its name: all that stands before is durable.
            durable_lsn: first_lsn.saturating_sub(1),
            segment,
        };
        let bytes = header.encode(group::seed(&walk.store()));
        let mut pieces = [IoSlice::new(&bytes), IoSlice::new(group.bytes())];
        write_all_at(file, end, &mut pieces)?;
        end = end.saturating_add(header.group_len());
        first_lsn = walk.next_lsn;
    }
    // A file without reserve ends with its last record; give it its padding.
    file.allocate(end)?;
    Ok(end)
}

/// Gives back the space of what the new segment supersedes. Failing is no matter: the segment's
/// first LSN rules, and the next opening tries again.
fn drop_superseded(back: &dyn BackEnd, segments: &[Segment], new: &Segment, old: Position) {
    for segment in segments.iter().filter(|segment| segment.number < new.number) {
        let done = if segment.first_lsn >= new.first_lsn {
            back.remove(&segment.name())
        } else if segment.number == old.segment {
            back.open(&segment.name()).and_then(|file| file.set_len(old.offset))
        } else {
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(segment = segment.number, %error, "superseded segment not removed");
        }
    }
}
