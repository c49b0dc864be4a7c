//! Making the index again from the log.

use super::error::OpenError;
use super::index::Index;
use super::open::{self, make_index, start_of};
use super::options::Options;
use super::segment::{self, FIRST_GROUP, Segment};
use super::take_in::take_in_some;
use super::walk::Walk;
use crate::config;
use crate::store::back_end::{BackEnd, len_u64};
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
/// [`OpenError`]; `Damaged` where the log itself cannot be read, `InUse` while a daemon runs.
pub fn rebuild_index(
    back: &Arc<dyn BackEnd>,
    config: &config::Store,
    mut report: impl FnMut(RebuildProgress),
) -> Result<u64, OpenError> {
    let options = Options::from(config);
    let _lock = super::engine::lock(&**back)?;
    let segments = segment::list(&**back)?;
    make_again(&**back, &options, &segments, &mut report)?;
    let opened = open::open(back, &options, &mut report)?;
    opened.writer.finish()?;
    let (segments, units) = (segments.len(), opened.progress.lsn);
    report(RebuildProgress { segments_done: segments, segments, units });
    Ok(units)
}

/// Opens the index; one of an older format is made again from the log.
pub(super) fn open_or_renew(
    back: &dyn BackEnd,
    options: &Options,
    segments: &[Segment],
    report: &mut dyn FnMut(RebuildProgress),
) -> Result<Option<Index>, OpenError> {
    let index = open::open_index(back, options)?;
    match index.as_ref().map(Index::progress) {
        Some(Err(OpenError::IndexFormat { found, known })) if found < known => {
            tracing::warn!(found, known, "the index has an older format; making it again");
            drop(index);
            make_again(back, options, segments, report)?;
            tracing::info!("the index is whole again but for the last segment, which comes now");
            open::open_index(back, options)
        }
        _ => Ok(index),
    }
}

/// The last segment is left to the opening that follows: its end may be torn, and what it holds
/// must be made durable before anything rests on it.
fn make_again(
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
        let mut walk = Walk::new(back, segments, progress.position, (0, 0), Some(until))?;
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
