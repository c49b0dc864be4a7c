//! What was taken in and does not stand in the index's file yet: in memory, above the file.
//!
//! Writing rows one group at a time would copy the same pages of the file again and again, while
//! those who deliver wait. So rows come into the young layer; when that is large it becomes the old
//! one, which the index's own thread writes in the order of keys, all at once. The log has
//! everything: after a crash the layers are made up from it like all that was not durable.

use super::place::{Far, Place, Value};
use super::progress::Progress;
use super::record::Record;
use super::walk::Position;
use mbx_common::id::ContentId;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Arc;

/// Rows, places of contents and of audit entries.
#[derive(Default)]
pub(super) struct Layer {
    /// Table number ‖ key → encoded [`Value`]; `None` where the row was removed.
    pub(super) rows: BTreeMap<Box<[u8]>, Option<Box<[u8]>>>,
    /// Content id → encoded [`Place`].
    pub(super) contents: BTreeMap<[u8; ContentId::LEN], [u8; 20]>,
    /// Leaf index → [`Far`] of the encoded audit entry.
    pub(super) leaves: BTreeMap<u64, [u8; Far::LEN]>,
    /// Encoded [`Progress`] behind the last record.
    pub(super) progress: Vec<u8>,
}

impl Layer {
    /// Takes in records, each with the place of its first byte.
    pub(super) fn add<'a>(
        &mut self,
        records: impl Iterator<Item = (Position, Record<'a>)>,
        progress: &Progress,
    ) {
        let mut value = Vec::new();
        for (at, record) in records {
            let place = |part: Range<u64>| Place::in_record(at, &part);
            for row in record.rows().unwrap_or_default() {
                let key = [&[row.table.number()], row.key].concat().into_boxed_slice();
                let value = row.value.map(|written| {
                    Value::encode(&mut value, written.bytes, place(written.part()));
                    Box::from(value.as_slice())
                });
                self.rows.insert(key, value);
            }
            for (id, part) in record.contents().unwrap_or_default() {
                self.contents.insert(*id.as_bytes(), place(part).encode());
            }
            let entry = Far::of(record.entry, place(record.entry_place()));
            self.leaves.insert(record.leaf, entry.encode());
        }
        self.progress = progress.encode();
    }

    /// Whether nothing was taken in.
    pub(super) fn is_empty(&self) -> bool {
        self.leaves.is_empty() && self.rows.is_empty()
    }

    /// How much there is to be written: rows, contents and leaves.
    pub(super) fn len(&self) -> usize {
        self.rows.len().saturating_add(self.contents.len()).saturating_add(self.leaves.len())
    }
}

/// The two layers.
#[derive(Default)]
pub(super) struct Layers {
    /// What comes in now.
    pub(super) young: Layer,
    /// What is being written. Stays readable until the file has it.
    pub(super) old: Option<Arc<Layer>>,
}

/// What is known of a row here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Known<'a> {
    /// Its encoded [`Value`].
    Written(&'a [u8]),
    /// It was removed.
    Removed,
}

/// A row as a layer has it: `None` where it was removed.
pub(super) type LayerRow = (Box<[u8]>, Option<Box<[u8]>>);

impl Layers {
    /// A row, if it was written or removed here.
    pub(super) fn row(&self, key: &[u8]) -> Option<Known<'_>> {
        let old = || self.old.as_ref().and_then(|old| old.rows.get(key));
        let row = self.young.rows.get(key).or_else(old)?;
        Some(row.as_deref().map_or(Known::Removed, Known::Written))
    }

    /// The rows of a range in the order asked for, up to so many that were not removed.
    pub(super) fn rows_in(
        &self,
        (from, until): (&[u8], &[u8]),
        backwards: bool,
        most: usize,
    ) -> Vec<LayerRow> {
        let bounds = (Bound::Included(from), Bound::Excluded(until));
        let young = self.young.rows.range::<[u8], _>(bounds);
        let old = self.old.iter().flat_map(|old| old.rows.range::<[u8], _>(bounds));
        let mut rows = Vec::new();
        let mut found = 0_usize;
        let mut take = |row: LayerRow| {
            found = found.saturating_add(usize::from(row.1.is_some()));
            rows.push(row);
            found < most
        };
        let _stopped = if backwards {
            merged(young.rev(), old.rev(), Ordering::is_gt).map(owned).all(&mut take)
        } else {
            merged(young, old, Ordering::is_lt).map(owned).all(&mut take)
        };
        rows
    }

    /// The place of a content, encoded.
    pub(super) fn content(&self, id: ContentId) -> Option<&[u8; 20]> {
        let old = || self.old.as_ref().and_then(|old| old.contents.get(id.as_bytes()));
        self.young.contents.get(id.as_bytes()).or_else(old)
    }

    /// At most so many contents from behind `after`, ascending in each layer.
    pub(super) fn contents(
        &self,
        after: Option<ContentId>,
        limit: usize,
    ) -> Vec<([u8; ContentId::LEN], [u8; 20])> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after.as_bytes()));
        let range = |layer: &Layer| -> Vec<_> {
            let range = layer.contents.range((from, Bound::Unbounded));
            range.take(limit).map(|(id, place)| (*id, *place)).collect()
        };
        let layers = self.old.as_deref().into_iter().chain([&self.young]);
        layers.flat_map(range).collect()
    }

    /// At most so many leaves from `first` on, ascending.
    pub(super) fn leaves(&self, first: u64, limit: usize) -> Vec<(u64, [u8; Far::LEN])> {
        // Every leaf of the young layer comes behind those of the old one.
        let layers = self.old.as_deref().into_iter().chain([&self.young]);
        let leaves = layers.flat_map(|layer| layer.leaves.range(first..));
        leaves.take(limit).map(|(leaf, place)| (*leaf, *place)).collect()
    }
}

fn owned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

/// Two sorted sequences as one; where a key stands in both, the upper one has it.
fn merged<K: Ord, V>(
    upper: impl Iterator<Item = (K, V)>,
    lower: impl Iterator<Item = (K, V)>,
    comes_first: impl Fn(Ordering) -> bool,
) -> impl Iterator<Item = (K, V)> {
    let (mut upper, mut lower) = (upper.peekable(), lower.peekable());
    std::iter::from_fn(move || {
        let order = match (upper.peek(), lower.peek()) {
            (Some((above, _)), Some((below, _))) => above.cmp(below),
            (Some(_), None) => return upper.next(),
            (None, _) => return lower.next(),
        };
        if order == Ordering::Equal {
            lower.next();
        }
        if order == Ordering::Equal || comes_first(order) { upper.next() } else { lower.next() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Rows = BTreeMap<u8, Option<u8>>;

    fn layer(rows: &Rows) -> Layer {
        let one = |byte: u8| Box::from([byte]);
        let rows = rows.iter().map(|(key, value)| (one(*key), value.map(one))).collect();
        Layer { rows, ..Layer::default() }
    }

    proptest! {
        /// A range of both layers is that of one map into which the old one came first.
        #[test]
        fn the_layers_read_as_one_map(
            old: Option<Rows>,
            young: Rows,
            (from, until) in (0..40_u8, 0..40_u8),
            backwards: bool,
            most in 1..8_usize,
        ) {
            let layers =
                Layers { young: layer(&young), old: old.as_ref().map(|old| Arc::new(layer(old))) };
            let mut one = old.unwrap_or_default();
            one.extend(young);
            for key in 0..40 {
                let row = layers.row(&[key]).map(|row| match row {
                    Known::Written(value) => Some(value[0]),
                    Known::Removed => None,
                });
                prop_assert_eq!(row, one.get(&key).copied());
            }
            let (from, until) = (from.min(until), from.max(until));
            let mut expected: Vec<_> = one.range(from..until).collect();
            if backwards {
                expected.reverse();
            }
            let live = expected.iter().enumerate().filter(|(_, (_, value))| value.is_some());
            let end = live.map(|(at, _)| at + 1).nth(most - 1).unwrap_or(expected.len());
            let found = layers.rows_in((&[from], &[until]), backwards, most);
            let found: Vec<_> =
                found.iter().map(|(key, value)| (key[0], value.as_ref().map(|v| v[0]))).collect();
            let expected: Vec<_> = expected[..end].iter().map(|(k, v)| (**k, **v)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
