//! Tables for people: no borders, two spaces between columns, cut to the terminal's width.

use super::document::{Cell, Column, Table, Tone};
use super::fit::{GAP, cut, fit};
use super::style::Style;
use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::{Alignment, Color, Padding, Style as Border};

/// Columns that a table shows, and whether it shows whole texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape<'a> {
    /// Wide: every column, whole texts.
    pub wide: bool,
    /// Only these columns, in this order; none: the usual ones.
    pub columns: &'a [String],
    /// Whether headings are left away.
    pub no_headers: bool,
}

/// Places of the columns that this shape shows.
pub(crate) fn shown(table: &Table, shape: Shape<'_>) -> Vec<usize> {
    if shape.columns.is_empty() {
        let usual = |(_, column): &(usize, &Column)| shape.wide || !column.wide;
        return table.columns.iter().enumerate().filter(usual).map(|(place, _)| place).collect();
    }
    let place = |key: &String| table.columns.iter().position(|column| column.key == *key);
    shape.columns.iter().filter_map(place).collect()
}

/// The table as text, each line ended.
pub fn render(table: &Table, shape: Shape<'_>, style: Style) -> String {
    let columns = measured(table, shape, style);
    if table.rows.is_empty() || columns.is_empty() {
        return String::new();
    }
    let room = style.width.filter(|_| !shape.wide);
    let shown = fit(&columns, room);
    let suffix = style.spell("…");
    let mut builder = Builder::default();
    if !shape.no_headers {
        builder.push_record(shown.iter().map(|shown| title(table, shown.place, style)));
    }
    for (cells, _) in &table.rows {
        builder.push_record(
            shown.iter().map(|shown| {
                cut(&text(cells.get(shown.place), shape, style), shown.width, &suffix)
            }),
        );
    }
    let mut drawn = builder.build();
    drawn.with(Border::empty()).with(Padding::new(0, GAP, 0, 0));
    let places: Vec<usize> = shown.iter().map(|shown| shown.place).collect();
    for (at, place) in places.iter().enumerate() {
        if table.columns.get(*place).is_some_and(|column| column.right) {
            drawn.modify(Columns::one(at), Alignment::right());
        }
    }
    if style.color {
        paint(&mut drawn, table, &places, shape);
    }
    let text = drawn.to_string();
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// The columns that this shape shows, with their natural widths.
fn measured(table: &Table, shape: Shape<'_>, style: Style) -> Vec<(usize, Column, usize)> {
    let width = |place: usize| {
        let cells = table.rows.iter().map(|(cells, _)| text(cells.get(place), shape, style));
        let heading = if shape.no_headers { String::new() } else { title(table, place, style) };
        cells.chain([heading]).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let column = |place: usize| Some((place, *table.columns.get(place)?, width(place)));
    shown(table, shape).into_iter().filter_map(column).collect()
}

fn title(table: &Table, place: usize, style: Style) -> String {
    table.columns.get(place).map_or_else(String::new, |column| style.spell(column.title))
}

fn text(cell: Option<&Cell>, shape: Shape<'_>, style: Style) -> String {
    let Some(cell) = cell else { return String::new() };
    let whole = shape.wide && !cell.whole.is_empty();
    style.spell(if whole { &cell.whole } else { &cell.short })
}

fn paint(drawn: &mut tabled::Table, table: &Table, places: &[usize], shape: Shape<'_>) {
    let first = usize::from(!shape.no_headers);
    if first == 1 {
        drawn.modify(Rows::first(), Color::new("\u{1b}[2m", "\u{1b}[0m"));
    }
    for (row, (cells, _)) in table.rows.iter().enumerate() {
        for (at, &place) in places.iter().enumerate() {
            let color = match cells.get(place).map(|cell| cell.tone) {
                Some(Tone::Ok) => Color::FG_GREEN,
                Some(Tone::Attention) => Color::FG_YELLOW,
                Some(Tone::Wrong) => Color::FG_RED,
                Some(Tone::Dim) => Color::new("\u{1b}[2m", "\u{1b}[0m"),
                Some(Tone::Plain) | None => continue,
            };
            drawn.modify((row + first, at), color);
        }
    }
}

/// A column that does not exist.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no column {name}; this list has {known}")]
pub struct UnknownColumn {
    /// The name given.
    pub name: String,
    /// The names there are.
    pub known: String,
}

/// Keeps the rows that every `COLUMN=VALUE` fits, and sorts them.
///
/// # Errors
/// [`UnknownColumn`].
pub fn arrange(
    table: &mut Table,
    filters: &[String],
    sort: Option<&str>,
    columns: &[String],
) -> Result<(), UnknownColumn> {
    for name in columns {
        place(table, name)?;
    }
    for filter in filters {
        let (name, value) = filter.split_once('=').unwrap_or((filter, ""));
        let at = place(table, name)?;
        table.rows.retain(|(cells, _)| {
            cells.get(at).is_some_and(|cell| cell.whole == value || cell.short == value)
        });
    }
    if let Some(sort) = sort {
        let (name, down) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let at = place(table, name)?;
        let right = table.columns.get(at).is_some_and(|column| column.right);
        table.rows.sort_by(|(a, _), (b, _)| {
            let (a, b) = (whole(a, at), whole(b, at));
            let order = match (right, a.parse::<u64>(), b.parse::<u64>()) {
                (true, Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(b),
            };
            if down { order.reverse() } else { order }
        });
    }
    Ok(())
}

fn whole(cells: &[Cell], at: usize) -> &str {
    cells.get(at).map_or("", |cell| cell.whole.as_str())
}

fn place(table: &Table, name: &str) -> Result<usize, UnknownColumn> {
    table.columns.iter().position(|column| column.key == name).ok_or_else(|| UnknownColumn {
        name: name.to_owned(),
        known: table.columns.iter().map(|column| column.key).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn table() -> Table {
        let row = |name: &str, count: u64, note: &str| {
            (vec![Cell::text(name), Cell::count(count), Cell::text(note)], Value::Null)
        };
        Table {
            columns: vec![
                Column::text("name", "NAME"),
                Column::figure("count", "COUNT"),
                Column::text("note", "NOTE").cut(),
            ],
            rows: vec![
                row(
                    "alpha",
                    1200,
                    "a note that is rather long, longer than any terminal likes it to be",
                ),
                row("beta", 7, "short"),
            ],
            id: "name",
            total: Some(2),
            empty: "",
        }
    }

    #[test]
    fn figures_stand_to_the_right_and_no_line_ends_in_space() {
        let text = render(&table(), Shape::default(), Style::PLAIN);
        assert_eq!(
            text,
            "NAME   COUNT  NOTE\n\
             alpha  1 200  a note that is rather long, longer than any terminal likes it to be\n\
             beta       7  short\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_longest_column_alone() {
        let style = Style { width: Some(40), ..Style::PLAIN };
        let text = render(&table(), Shape::default(), style);
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.contains("alpha  1 200  a note") && text.contains('…'), "{text}");
    }

    #[test]
    fn colour_changes_no_column() {
        let mut table = table();
        for (cells, _) in &mut table.rows {
            cells[0].tone = Tone::Wrong;
        }
        let plain = render(&table, Shape::default(), Style::PLAIN);
        let color = render(&table, Shape::default(), Style { color: true, ..Style::PLAIN });
        let stripped = ["\u{1b}[31m", "\u{1b}[2m", "\u{1b}[39m", "\u{1b}[0m"]
            .iter()
            .fold(color.clone(), |text, code| text.replace(code, ""));
        assert_ne!(plain, color);
        let trimmed: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }

    #[test]
    fn rows_are_filtered_and_sorted_by_the_value_not_by_its_spelling() {
        let mut sorted = table();
        arrange(&mut sorted, &[], Some("count"), &[]).unwrap();
        assert_eq!(sorted.rows[0].0[0].whole, "beta");
        arrange(&mut sorted, &["name=alpha".to_owned()], Some("-name"), &[]).unwrap();
        assert_eq!(sorted.rows.len(), 1);
        let error = arrange(&mut sorted, &[], Some("colour"), &[]).unwrap_err();
        assert_eq!(error.known, "name, count, note");
    }
}
