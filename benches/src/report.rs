//! Figures, what they are held against, and the table that shows them.

use crate::machine::Machine;
use serde::Serialize;
use std::fmt::Write as _;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Modify, Style};

/// Which side of a bound is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

impl Bound {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn shown(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", unit.shown(bound)),
            Self::AtMost(bound) => format!("≤ {}", unit.shown(bound)),
        }
    }
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Ours as a multiple of what it is held against.
    Times,
    /// A part of a whole, as a fraction.
    Percent,
    /// A plain number.
    Plain,
    /// Things a second.
    PerSecond,
    /// Bytes a second.
    BytesPerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// A value as people read it.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2}×"),
            Self::Percent => format!("{:.0} %", value * 100.0),
            Self::Plain => format!("{value:.3}"),
            Self::PerSecond if value < 100.0 => format!("{value:.1}/s"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::BytesPerSecond => format!("{:.0} MB/s", value / 1e6),
            Self::Milliseconds if value < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Bytes => format!("{:.0} MiB", value / f64::from(1 << 20)),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The part of the system.
    pub part: &'static str,
    /// What was measured.
    pub name: String,
    /// Our own value, where the figure is a ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<f64>,
    /// The value of the same rounds that it is held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<f64>,
    /// Unit of both.
    pub measured_in: Unit,
    /// The figure itself: the ratio, or our value where there is nothing to hold it against.
    pub value: f64,
    /// Unit of the figure.
    pub unit: Unit,
    /// What is to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Bound>,
    /// What must be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Bound>,
}

impl Figure {
    /// A value of ours alone.
    pub fn alone(part: &'static str, name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self {
            part,
            name: name.into(),
            ours: None,
            against: None,
            measured_in: unit,
            value,
            unit,
            goal: None,
            floor: None,
        }
    }

    /// Ours as a multiple of another's, or alone where the other was not measured.
    pub fn ratio(
        part: &'static str,
        name: impl Into<String>,
        ours: f64,
        against: Option<f64>,
        measured_in: Unit,
    ) -> Self {
        let alone = Self::alone(part, name, ours, measured_in);
        match against {
            Some(other) if other > 0.0 => {
                Self { ours: Some(ours), against, value: ours / other, unit: Unit::Times, ..alone }
            }
            _ => alone,
        }
    }

    /// The same, written as a part of a whole.
    #[must_use]
    pub fn as_percent(mut self) -> Self {
        self.unit = Unit::Percent;
        self
    }

    /// The same with a goal and a floor. They bind ratios only where there is a ratio.
    #[must_use]
    pub fn held_to(mut self, goal: Bound, floor: Bound) -> Self {
        (self.goal, self.floor) = (Some(goal), Some(floor));
        self
    }

    /// The same with a goal and a floor for the ratio, where there is one.
    #[must_use]
    pub fn held_to_ratio(self, goal: Bound, floor: Bound) -> Self {
        if self.against.is_some() { self.held_to(goal, floor) } else { self }
    }

    /// Where it stands. A note for people: nothing fails by it.
    pub fn verdict(&self) -> &'static str {
        match (self.goal, self.floor) {
            (Some(goal), _) if goal.is_met(self.value) => "goal",
            (_, Some(floor)) if floor.is_met(self.value) => "above the floor",
            (Some(_), Some(_)) => "BELOW THE FLOOR",
            _ => "",
        }
    }

    fn row(&self) -> [String; 7] {
        let measured = |value: Option<f64>| {
            value.map_or_else(String::new, |value| self.measured_in.shown(value))
        };
        let bound =
            |bound: Option<Bound>| bound.map_or_else(String::new, |bound| bound.shown(self.unit));
        [
            self.name.clone(),
            measured(self.ours),
            measured(self.against),
            self.unit.shown(self.value),
            bound(self.goal),
            bound(self.floor),
            self.verdict().to_owned(),
        ]
    }
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// Whether with smaller counts and shorter rounds.
    pub quick: bool,
    /// Every figure.
    pub figures: Vec<Figure>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

impl Report {
    /// The table, a block for each part, then the notes.
    pub fn table(&self) -> String {
        let mut text = self.machine.to_string();
        let mut parts: Vec<&str> = self.figures.iter().map(|figure| figure.part).collect();
        parts.dedup();
        let mut builder = Builder::default();
        builder.push_record(["", "ours", "against", "figure", "goal", "floor", "verdict"]);
        for part in parts {
            builder.push_record([part]);
            for figure in self.figures.iter().filter(|figure| figure.part == part) {
                let [name, rest @ ..] = figure.row();
                builder.push_record([format!("  {name}")].into_iter().chain(rest));
            }
        }
        let mut table = builder.build();
        table.with(Style::psql()).with(Modify::new(Columns::new(1..6)).with(Alignment::right()));
        // Writing to a String never fails.
        let _ = writeln!(text, "\n{table}");
        for note in &self.notes {
            let _ = writeln!(text, "* {note}");
        }
        text
    }
}

/// A count as a number to reckon with.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(value: f64) -> &'static str {
        Figure::ratio("part", "name", value, Some(10.0), Unit::PerSecond)
            .held_to_ratio(Bound::AtLeast(2.0), Bound::AtLeast(1.0))
            .verdict()
    }

    #[test]
    fn a_verdict_says_where_a_figure_stands() {
        assert_eq!(
            (held(20.0), held(19.9), held(9.9)),
            ("goal", "above the floor", "BELOW THE FLOOR")
        );
    }

    #[test]
    fn a_ratio_without_the_other_side_is_our_value_and_is_held_to_nothing() {
        let figure = Figure::ratio("part", "name", 5.0, None, Unit::PerSecond)
            .held_to_ratio(Bound::AtLeast(2.0), Bound::AtLeast(1.0));
        assert_eq!((figure.value, figure.verdict(), figure.goal), (5.0, "", None));
    }

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}
