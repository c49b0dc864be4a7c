//! Which entries a period holds.

use super::error::AuditError;
use super::log::AuditLog;
use super::search::DISORDER_MS;
use crate::store::KeyRange;
use mbx_common::audit::Entry;
use mbx_common::time::{Period, Timestamp};
use std::ops::Range;

impl AuditLog {
    /// The positions of a period's entries, with one more at each end where there is one.
    ///
    /// Times of entries need not ascend strictly; the span reaches from the first entry that is not
    /// older than the period to the last one that is.
    pub(super) async fn span(&self, period: Period, size: u64) -> Result<Range<u64>, AuditError> {
        let around = self.around(period, size).await?;
        let (mut first, mut until) = (None, around.start);
        let mut position = around.start;
        while position < around.end {
            for leaf in self.leaves(position, around.end).await? {
                let entry = Entry::decode(&leaf).map_err(|_| AuditError::Entry { position })?;
                if first.is_none() && entry.time >= period.from {
                    first = Some(position);
                }
                if entry.time < period.until {
                    until = position + 1;
                }
                position += 1;
            }
        }
        let first = first.unwrap_or(around.end);
        let until = until.max(first);
        Ok(first.saturating_sub(1)..until.saturating_add(1).min(size))
    }

    /// A span around the period's entries that checkpoints' times bound, so that the whole log need
    /// not be read.
    ///
    /// Every checkpoint is looked at: after a clock that was wrong for a while, the first one past
    /// the period is not the last one in it.
    async fn around(&self, period: Period, size: u64) -> Result<Range<u64>, AuditError> {
        let mut around = Around { period, first: None, end: 0, last: (0, Timestamp::EPOCH) };
        let mut range = Some(KeyRange::all());
        while let Some(page) = range {
            let (rows, next) = self.checkpoints(page, Self::BATCH).await?;
            for (at, row) in rows {
                around.stretch(at.min(size), row.time);
            }
            range = next;
        }
        Ok(around.within(size))
    }
}

/// A span that grows over the stretches between checkpoints in which a period's entries may lie.
struct Around {
    period: Period,
    first: Option<u64>,
    end: u64,
    /// Where the last stretch ended, and when.
    last: (u64, Timestamp),
}

impl Around {
    /// Takes the stretch from the last checkpoint to this one.
    fn stretch(&mut self, at: u64, time: Timestamp) {
        let (from, before) = std::mem::replace(&mut self.last, (at, time));
        let latest = before.max(time).plus_millis(DISORDER_MS);
        // Nothing tells when the log began.
        let earliest = if from == 0 { Timestamp::EPOCH } else { before.min(time) };
        if latest > self.period.from && earliest < self.period.until.plus_millis(DISORDER_MS) {
            self.first.get_or_insert(from);
            self.end = at;
        }
    }

    /// The span; nothing tells until when the last stretch goes on.
    fn within(mut self, size: u64) -> Range<u64> {
        self.stretch(size, Timestamp::EPOCH.plus_millis(u64::MAX));
        self.first.unwrap_or(self.end)..self.end
    }
}
