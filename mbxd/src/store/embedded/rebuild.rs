//! Making the index again from the log.

use super::error::OpenError;
use super::open::{self, Opened, make_index, start_of};
use super::options::Options;
use super::segment::{self, FIRST_GROUP, Segment};
use super::take_in::take_in_some;
use super::walk::{End, Walk};
use crate::config;
use crate::store::back_end::{BackEnd, len_u64};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How far a long walk through the log is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RebuildProgress {
    /// Segments done.
    pub segments_done: usize,
    /// Segments in all.
    pub segments: usize,
    /// Units of work taken in.
    pub units: u64,
}

/// Makes the index again from the log and returns the number of units of work in it. The old index
/// is replaced only when the new one is whole; interrupted, it can be begun again.
///
/// # Errors
/// [`OpenError`]; `Damaged` where the log itself cannot be read, or ends before what the old index
/// knew to be durable; `InUse` while a daemon runs.
pub fn rebuild_index(
    back: &Arc<dyn BackEnd>,
    config: &config::Store,
    mut report: impl FnMut(RebuildProgress),
) -> Result<u64, OpenError> {
    let options = Options::from(config);
    let _lock = super::engine::lock(&**back)?;
    let segments = segment::list(&**back)?.len();
    let opened = renew(back, &options, &mut report)?;
    opened.writer.finish()?;
    let units = opened.progress.lsn;
    report(RebuildProgress { segments_done: segments, segments, units });
    Ok(units)
}

/// Opens the store; an index that is missing, damaged or of an older format is made again from the
/// log: it is derived, and nothing can be served without it.
pub(super) fn open_or_renew(
    back: &Arc<dyn BackEnd>,
    options: &Options,
    report: &mut dyn FnMut(RebuildProgress),
) -> Result<Opened, OpenError> {
    match guarded(|| open::open(back, options, 0)) {
        Err(error) if error.is_of_the_index() => {
            tracing::error!(error = %chain(&error), "making the index again from the log");
            renew(back, options, report)
        }
        opened => opened,
    }
}

fn renew(
    back: &Arc<dyn BackEnd>,
    options: &Options,
    report: &mut dyn FnMut(RebuildProgress),
) -> Result<Opened, OpenError> {
    let segments = segment::list(&**back)?;
    let known_lsn = known_lsn(&**back, options, &segments);
    make_again(&**back, options, &segments, report)?;
    tracing::info!("the index is whole again but for the last segment, which comes now");
    open::open(back, options, known_lsn)
}

/// The last unit that the old index knew to be durable, as far as it can be read: without it, a log
/// that lost its end would pass for one that was torn. 0 = nothing is known.
fn known_lsn(back: &dyn BackEnd, options: &Options, segments: &[Segment]) -> u64 {
    let progress =
        guarded(|| open::open_index(back, options)?.map(|old| old.progress()).transpose());
    let known = progress.ok().flatten();
    let own = |store| segments.iter().any(|segment| segment.store == store);
    known.filter(|known| own(known.store)).map_or(0, |known| known.lsn)
}

/// Does something with the index; a panic of its engine is told as damage of the index.
fn guarded<T>(work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(OpenError::IndexDamaged(None)))
}

/// An error with its causes.
pub(super) fn chain(error: &OpenError) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The last segment is left to the opening that follows: its end may be torn, and what it holds
/// must be made durable before anything rests on it.
pub(super) fn make_again(
    back: &dyn BackEnd,
    options: &Options,
    segments: &[Segment],
    report: &mut dyn FnMut(RebuildProgress),
) -> Result<(), OpenError> {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(OpenError::LogMissing { lsn: 0 });
    };
    if first.first_lsn != 1 {
        return Err(OpenError::Damaged { segment: first.number, offset: FIRST_GROUP });
    }
    let mut progress = start_of(first);
    let until = last.first_lsn.saturating_sub(1);
    let mut done = RebuildProgress { segments: segments.len(), ..RebuildProgress::default() };
    make_index(back, options, &start_of(first), |index| {
        let mut walk = Walk::new(back, segments, progress.position, (0, 0), End::At(until))?;
        let mut since_checkpoint: u64 = 0;
        loop {
            let taken = take_in_some(&mut walk, index, &mut progress)?;
            if taken == 0 {
                return Ok(());
            }
            since_checkpoint = since_checkpoint.saturating_add(len_u64(taken));
            if since_checkpoint >= options.checkpoint_bytes {
                // Bounds what the index keeps in memory.
                index.checkpoint()?;
                since_checkpoint = 0;
            }
            let at = progress.position.segment;
            done.segments_done = segments.iter().filter(|segment| segment.number < at).count();
            done.units = progress.lsn;
            report(done);
        }
    })
}
