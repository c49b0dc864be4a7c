//! Which entries a period holds.

use super::error::AuditError;
use super::log::AuditLog;
use super::search::DISORDER_MS;
use crate::store::KeyRange;
use mbx_common::audit::Entry;
use mbx_common::time::Period;
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
    async fn around(&self, period: Period, size: u64) -> Result<Range<u64>, AuditError> {
        let mut around = 0..size;
        let mut range = Some(KeyRange::all());
        while let Some(page) = range {
            let (rows, next) = self.checkpoints(page, Self::BATCH).await?;
            for (at, row) in rows {
                if row.time.plus_millis(DISORDER_MS) <= period.from {
                    around.start = at.min(size);
                } else if row.time >= period.until.plus_millis(DISORDER_MS) {
                    around.end = at.min(size);
                    return Ok(around);
                }
            }
            range = next;
        }
        Ok(around)
    }
}
