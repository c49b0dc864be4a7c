//! Fits a table to a terminal: first texts are cut, then columns left away, ids and times never.

use super::document::{Column, Give};

/// Between two columns.
pub(crate) const GAP: usize = 2;

/// A text is not cut below this: fewer characters say nothing.
const CUT_MIN: usize = 20;

/// A column that is shown: its place and the width that it may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shown {
    /// Place in the table.
    pub(crate) place: usize,
    /// Characters at most.
    pub(crate) width: usize,
}

/// Fits columns of these natural widths into `room`; without room to fit, all stay whole.
pub(crate) fn fit(columns: &[(usize, Column, usize)], room: Option<usize>) -> Vec<Shown> {
    let mut kept: Vec<(usize, Column, usize)> = columns.to_vec();
    let Some(room) = room else { return whole(&kept) };
    while least(&kept) > room {
        let Some(at) = kept.iter().rposition(|(_, column, _)| column.give == Give::Drop) else {
            break;
        };
        kept.remove(at);
    }
    let mut shown = whole(&kept);
    let mut over = total(&shown).saturating_sub(room);
    while over > 0 {
        let widest = kept
            .iter()
            .zip(&mut shown)
            .filter(|((_, column, _), shown)| column.give == Give::Cut && shown.width > CUT_MIN)
            .max_by_key(|(_, shown)| shown.width);
        let Some((_, shown)) = widest else { break };
        shown.width -= 1;
        over -= 1;
    }
    shown
}

/// The text, at most so many characters; what is cut ends in `suffix`.
pub(crate) fn cut(text: &str, width: usize, suffix: &str) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(suffix.chars().count());
    text.chars().take(kept).chain(suffix.chars()).collect()
}

fn whole(columns: &[(usize, Column, usize)]) -> Vec<Shown> {
    columns.iter().map(|&(place, _, width)| Shown { place, width }).collect()
}

fn total(shown: &[Shown]) -> usize {
    let widths: usize = shown.iter().map(|shown| shown.width).sum();
    widths + GAP * shown.len().saturating_sub(1)
}

/// The width with every text cut as far as it may be.
fn least(columns: &[(usize, Column, usize)]) -> usize {
    let width = |&(_, column, width): &(usize, Column, usize)| match column.give {
        Give::Cut => width.min(CUT_MIN),
        Give::Never | Give::Drop => width,
    };
    columns.iter().map(width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<(usize, Column, usize)> {
        vec![
            (0, Column::text("id", "ID"), 12),
            (1, Column::text("size", "SIZE").drop(), 10),
            (2, Column::text("why", "WHY").cut(), 60),
        ]
    }

    fn widths(room: Option<usize>) -> Vec<(usize, usize)> {
        fit(&columns(), room).iter().map(|shown| (shown.place, shown.width)).collect()
    }

    #[test]
    fn texts_are_cut_before_columns_are_dropped_and_ids_stay_whole() {
        assert_eq!(widths(None), [(0, 12), (1, 10), (2, 60)]);
        assert_eq!(widths(Some(86)), [(0, 12), (1, 10), (2, 60)]);
        assert_eq!(widths(Some(60)), [(0, 12), (1, 10), (2, 34)]);
        assert_eq!(widths(Some(36)), [(0, 12), (2, 22)]);
        assert_eq!(widths(Some(10)), [(0, 12), (2, 20)]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("abcdef", 6, "…"), "abcdef");
        assert_eq!(cut("åbcdef", 4, "…"), "åbc…");
        assert_eq!(cut("abcdef", 5, "..."), "ab...");
    }
}
