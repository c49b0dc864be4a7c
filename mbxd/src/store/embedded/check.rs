//! Proving the log whole while the store serves: every checksum, and that the index leads to what
//! each record holds. Short values are not compared: the index holds them itself, and which record
//! wrote a row last only a walk over the whole log could tell.

use super::error::OpenError;
use super::place::{Far, Place, Value};
use super::record::Record;
use super::segment::{self, FIRST_GROUP};
use super::shared::Shared;
use super::walk::{End, Position, Walk};
use crate::store::error::ReadError;
use crate::store::report::Checked;
use std::ops::Range;

/// Checks one segment (`None` = the first), up to what is durable now.
pub(super) fn check(shared: &Shared, number: Option<u32>) -> Result<Checked, ReadError> {
    let durable_lsn = shared.durable_lsn();
    let segments = match segment::read_all(&*shared.back) {
        // Without its header no segment can be told from the one before: the rest must wait.
        Err(OpenError::Damaged { segment, offset }) => {
            return Ok(Checked { segment, damaged_at: Some(offset), ..Checked::default() });
        }
        segments => segments.map_err(unreadable)?,
    };
    let at = match number {
        None => 0,
        Some(number) => segments.iter().take_while(|segment| segment.number < number).count(),
    };
    let Some(segment) = segments.get(at) else { return Ok(Checked::default()) };
    let next = segments.get(at.saturating_add(1));
    let last = next.map_or(durable_lsn, |next| next.first_lsn.saturating_sub(1));
    let mut checked = Checked {
        segment: segment.number,
        next: next.map(|next| next.number),
        ..Checked::default()
    };
    let from = Position { segment: segment.number, offset: FIRST_GROUP };
    let known = (segment.first_lsn.saturating_sub(1), segment.first_leaf);
    let walk = Walk::new(&*shared.back, &segments, from, known, End::At(last.min(durable_lsn)));
    let mut walk = walk.map_err(unreadable)?;
    loop {
        match walk.next_group() {
            Ok(None) => return Ok(checked),
            Ok(Some(group)) => {
                for (at, record) in group.records() {
                    checked.units = checked.units.saturating_add(1);
                    checked.bytes = checked.bytes.saturating_add(record.len());
                    let wrong = misplaced(shared, at, &record)?;
                    checked.misplaced = checked.misplaced.saturating_add(wrong);
                }
            }
            Err(OpenError::Damaged { offset, .. }) => {
                checked.damaged_at = Some(offset);
                return Ok(checked);
            }
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// How many of the record's contents, its entry and its long values the index does not find where
/// they are.
fn misplaced(shared: &Shared, at: Position, record: &Record<'_>) -> Result<u64, ReadError> {
    let place = |part: &Range<u64>| Place::in_record(at, part);
    let whole = place(&(0..record.len()));
    shared.with_index(|index| {
        let leaf = index.leaves(record.leaf, 1)?;
        let entry = Far::of(record.entry, place(&record.entry_place()));
        let mut wrong = u64::from(leaf.first() != Some(&entry));
        for (id, part) in record.contents().unwrap_or_default() {
            wrong = wrong.saturating_add(u64::from(index.content(id)? != Some(place(&part))));
        }
        let rows = record.rows().unwrap_or_default();
        for row in rows.iter().filter(|row| row.value.is_some()) {
            // What leads elsewhere was written anew since.
            if let Some(Value::Far(far)) = index.get(row.table, row.key)?
                && whole.holds(far.place)
            {
                let led_to = rows.iter().filter_map(|row| row.value);
                let mut led_to = led_to.filter(|value| place(&value.part()) == far.place);
                let sound = led_to.any(|value| far.fits(value.bytes));
                wrong = wrong.saturating_add(u64::from(!sound));
            }
        }
        Ok::<_, super::error::IndexError>(wrong)
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: OpenError) -> ReadError {
    tracing::error!(%error, "the log cannot be checked");
    if error.passes() { ReadError::Unavailable } else { ReadError::Damaged }
}
