//! Making the index again from the log.

use super::error::OpenError;
use super::open::{self, make_index, start_of};
use super::options::Options;
use super::segment::{self, FIRST_GROUP};
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
/// The last segment is left to the next opening: its end may be torn, and what it holds must be
/// made durable before anything rests on it.
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
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return Err(OpenError::LogMissing { lsn: 0 });
    };
    if first.first_lsn != 1 {
        return Err(OpenError::Damaged { segment: first.number, offset: FIRST_GROUP });
    }
    let mut progress = start_of(first);
    let until = last.first_lsn.saturating_sub(1);
    let mut done = RebuildProgress { segments: segments.len(), ..RebuildProgress::default() };
    make_index(&**back, &options, &start_of(first), |index| {
        let mut walk = Walk::new(&**back, &segments, progress.position, (0, 0), Some(until))?;
        let mut since_checkpoint: u64 = 0;
        loop {
            let taken = take_in_some(&mut walk, index, &mut progress)?;
            if taken == 0 {
                break;
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
        Ok(())
    })?;
    let opened = open::open(back, &options)?;
    opened.writer.finish()?;
    done.segments_done = done.segments;
    done.units = opened.progress.lsn;
    report(done);
    Ok(opened.progress.lsn)
}
