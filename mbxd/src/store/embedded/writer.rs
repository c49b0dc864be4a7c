//! The end of the log: one vectored write and one sync for each group.

use super::error::OpenError;
use super::group::{self, GroupHeader, group_len};
use super::progress::Progress;
use super::queue::Pending;
use super::segment::{FIRST_GROUP, Segment};
use super::walk::Position;
use crate::store::back_end::{BackEnd, BackFile, len_u64, write_all_at};
use bytes::Bytes;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// What pads a group to whole sectors.
static ZEROS: [u8; 512] = [0; 512];

/// The segment that is written to.
pub(super) struct Writer {
    back: Arc<dyn BackEnd>,
    segment: Segment,
    file: Arc<dyn BackFile>,
    /// Where the next group goes.
    end: u64,
    segment_size: u64,
    seed: u32,
}

/// Why there is no new segment.
pub(super) enum TurnError {
    /// Nothing was changed: the present segment may be written to.
    NotBegun(OpenError),
    /// The new segment may have its name already and supersede the present one, which must not be
    /// written to any more.
    Half(io::Error),
}

impl From<TurnError> for OpenError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::NotBegun(error) => error,
            TurnError::Half(error) => Self::Io(error),
        }
    }
}

/// A unit that was judged good, with its place in the order.
pub(super) struct Accepted {
    pub(super) unit: Pending,
    pub(super) lsn: u64,
    pub(super) leaf: u64,
}

impl Writer {
    pub(super) fn new(
        back: Arc<dyn BackEnd>,
        segment: Segment,
        file: Arc<dyn BackFile>,
        end: u64,
        segment_size: u64,
    ) -> Self {
        let seed = group::seed(&segment.store);
        Self { back, segment, file, end, segment_size, seed }
    }

    /// Where the next group goes.
    pub(super) fn position(&self) -> Position {
        Position { segment: self.segment.number, offset: self.end }
    }

    /// Bytes of the segment's file behind its last group.
    pub(super) fn reserve(&self) -> io::Result<u64> {
        Ok(self.file.len()?.saturating_sub(self.end))
    }

    pub(super) fn seed(&self) -> u32 {
        self.seed
    }

    /// Whether a group whose records take so many bytes goes into the present segment.
    pub(super) fn fits(&self, records_len: u64) -> bool {
        self.end == FIRST_GROUP
            || self.end.saturating_add(group_len(records_len)) <= self.segment_size
    }

    /// Writes a group and makes it durable; returns where its first record stands.
    ///
    /// After an error nothing may be written to this segment any more.
    pub(super) fn append(&mut self, units: &[Accepted], durable_lsn: u64) -> io::Result<u64> {
        let records_len = units.iter().map(|accepted| accepted.unit.encoded.len()).sum();
        let header = GroupHeader {
            records: u32::try_from(units.len()).unwrap_or(u32::MAX),
            records_len,
            first_lsn: durable_lsn.saturating_add(1),
            durable_lsn,
            segment: self.segment.number,
        };
        let group_header = header.encode(self.seed);
        let headers: Vec<Bytes> = units
            .iter()
            .map(|accepted| accepted.unit.encoded.header(self.seed, accepted.lsn, accepted.leaf))
            .collect();
        let mut pieces = vec![IoSlice::new(&group_header)];
        for (accepted, header) in units.iter().zip(&headers) {
            pieces.push(IoSlice::new(header));
            pieces.extend(accepted.unit.encoded.pieces().map(|piece| IoSlice::new(piece)));
        }
        let records_at = self.end.saturating_add(len_u64(group::HEADER_LEN));
        let padding = header.group_len().saturating_sub(len_u64(group::HEADER_LEN) + records_len);
        let padding = usize::try_from(padding).ok().and_then(|len| ZEROS.get(..len));
        pieces.push(IoSlice::new(padding.unwrap_or_default()));
        write_all_at(&*self.file, self.end, &mut pieces)?;
        self.file.sync()?;
        self.end = self.end.saturating_add(header.group_len());
        Ok(records_at)
    }

    /// Goes on in a new segment, where everything up to `progress` is durable. The present one is
    /// cut to what it holds: after a failed write that is what was durable.
    pub(super) fn turn(&mut self, progress: &Progress) -> Result<(), TurnError> {
        let next = Segment {
            number: self.segment.number.saturating_add(1),
            first_lsn: progress.lsn.saturating_add(1),
            first_leaf: progress.tree.size(),
            ..self.segment
        };
        let prepared = next.prepare(&*self.back, self.segment_size, |_| Ok(FIRST_GROUP));
        let (file, end) = prepared.map_err(TurnError::NotBegun)?;
        next.begin(&*self.back).map_err(TurnError::Half)?;
        // Space given back; what stays there is superseded by the new segment in any case.
        let _best_effort = self.file.set_len(self.end);
        (self.segment, self.file, self.end) = (next, file, end);
        Ok(())
    }

    /// Takes back what a failed write may have left behind the end.
    pub(super) fn cut(&self) {
        // Best effort, so that a crash does not bring back what was answered as not done; where it
        // fails, the next segment supersedes it.
        let _best_effort = self.file.set_len(self.end);
    }

    /// Cuts the segment to what it holds, durable: the mark of an orderly end.
    pub(super) fn finish(&self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.sync()
    }
}
