//! A whole run: the table for people, the file for comparing, and what is missed.

use crate::figure::{Figure, Verdict};
use crate::machine::Machine;
use crate::sample::Sample;
use serde::Serialize;
use std::fmt::Write as _;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Modify, Style};

/// Titles of the table's columns.
const COLUMNS: [&str; 9] =
    ["figure", "ours", "against", "median", "min – max", "spread", "goal", "floor", "verdict"];

/// A whole run.
#[derive(Debug)]
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

/// A figure with where it stands.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    verdict: Verdict,
    unsteady: bool,
}

/// What is written for comparing.
#[derive(Serialize)]
struct Written<'a> {
    machine: &'a Machine,
    quick: bool,
    figures: Vec<Judged<'a>>,
    notes: &'a [String],
}

impl Report {
    /// A table for each part, in Markdown, between the machine's facts and the notes.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        let mut parts: Vec<&str> = self.figures.iter().map(|figure| figure.part).collect();
        parts.dedup();
        for part in parts {
            let mut builder = Builder::default();
            builder.push_record(COLUMNS);
            let figures = self.figures.iter().filter(|figure| figure.part == part);
            figures.for_each(|figure| builder.push_record(row(figure)));
            let mut table = builder.build();
            table.with(Style::markdown());
            table.with(Modify::new(Columns::new(1..8)).with(Alignment::right()));
            // Writing to a String never fails.
            let _ = writeln!(text, "\n**{part}**\n\n{table}");
        }
        text.push('\n');
        for note in &self.notes {
            let _ = writeln!(text, "* {note}");
        }
        text
    }

    /// Every figure with all its rounds and its verdict, as JSON.
    ///
    /// # Errors
    /// None is known.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        let judged = |figure| Judged {
            verdict: Figure::verdict(figure),
            unsteady: figure.is_unsteady(),
            figure,
        };
        let figures = self.figures.iter().map(judged).collect();
        let (machine, notes) = (&self.machine, &self.notes);
        serde_json::to_vec_pretty(&Written { machine, quick: self.quick, figures, notes })
    }

    /// What keeps a run from being good: floors that were missed, and floors that could not be
    /// looked at, because what they are held against was not there.
    pub fn missed(&self) -> Vec<&Figure> {
        let bad = |figure: &&Figure| {
            matches!(figure.verdict(), Verdict::BelowTheFloor | Verdict::NotMeasured)
        };
        self.figures.iter().filter(bad).collect()
    }

    /// What the program ends with: 1 where something is missed and `enforce` asks for it.
    pub fn exit_code(&self, enforce: bool) -> u8 {
        u8::from(enforce && !self.missed().is_empty())
    }
}

fn row(figure: &Figure) -> [String; 9] {
    let middle = |sample: &Option<Sample>, unit: crate::figure::Unit| {
        sample.as_ref().map_or_else(String::new, |sample| unit.shown(sample.median()))
    };
    let (range, spread) = match &figure.value {
        Some(value) if value.rounds() > 1 => (
            format!("{} – {}", figure.unit.shown(value.min()), figure.unit.shown(value.max())),
            format!("{:.0} %", value.spread() * 100.0),
        ),
        _ => (String::new(), String::new()),
    };
    let bound = |bound: Option<crate::figure::Bound>| {
        bound.map_or_else(String::new, |bound| bound.shown(figure.unit))
    };
    let unsteady = if figure.is_unsteady() { ", not in every round" } else { "" };
    [
        figure.name.clone(),
        middle(&figure.ours, figure.measured_in),
        middle(&figure.against, figure.measured_in),
        middle(&figure.value, figure.unit),
        range,
        spread,
        bound(figure.goal),
        bound(figure.floor),
        format!("{}{unsteady}", figure.verdict().shown()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Bound, Unit};

    fn report(figures: Vec<Figure>) -> Report {
        Report { machine: Machine::default(), quick: true, figures, notes: vec!["a note".into()] }
    }

    fn figure(name: &str, ratio: f64) -> Figure {
        let (ours, against) = (Sample::one(ratio), Some(Sample::one(1.0)));
        Figure::ratio("part", name, ours, against, Unit::PerSecond)
            .held_to(Bound::AtLeast(10.0), Bound::AtLeast(5.0))
    }

    #[test]
    fn a_missed_floor_is_found_among_others_and_a_missed_goal_is_none() {
        let good = report(vec![figure("at the goal", 10.0), figure("at the floor", 5.0)]);
        assert!(good.missed().is_empty());
        let bad = report(vec![figure("good", 10.0), figure("bad", 4.9)]);
        let missed: Vec<&str> = bad.missed().iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(missed, ["bad"]);
    }

    #[test]
    fn a_missed_floor_fails_the_run_where_that_is_asked_for_and_a_missed_goal_never() {
        let (good, bad) = (report(vec![figure("at the floor", 5.0)]), figure("bad", 4.9));
        let bad = report(vec![bad]);
        assert_eq!((bad.exit_code(true), bad.exit_code(false)), (1, 0));
        assert_eq!((good.exit_code(true), good.exit_code(false)), (0, 0));
    }

    #[test]
    fn a_floor_that_could_not_be_looked_at_is_not_reached() {
        let alone = Figure::ratio("part", "alone", Sample::one(9.0), None, Unit::PerSecond);
        assert!(report(vec![alone.clone()]).missed().is_empty());
        let asked = alone.held_to(Bound::AtLeast(2.0), Bound::AtLeast(1.0));
        assert_eq!(report(vec![asked]).missed().len(), 1);
    }

    #[test]
    fn the_table_tells_median_range_spread_bounds_and_verdict() {
        let value = [4.0, 6.0, 5.0].into_iter().collect();
        let held = Figure::alone("starting", "ready", value, Unit::Milliseconds)
            .held_to(Bound::AtMost(5.0), Bound::AtMost(9.0));
        let table = report(vec![held]).table();
        let line = table.lines().find(|line| line.contains("ready")).unwrap();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "",
                "ready",
                "",
                "",
                "5.00 ms",
                "4.00 ms – 6.00 ms",
                "40 %",
                "≤ 5.00 ms",
                "≤ 9.00 ms",
                "goal, not in every round",
                ""
            ]
        );
        assert!(table.contains("**starting**") && table.contains("* a note"));
    }

    #[test]
    fn the_file_holds_machine_figures_and_verdicts() {
        let json = report(vec![figure("bad", 4.0)]).json().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let at = |pointer: &str| json.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/figures/0/verdict"), "below_the_floor");
        assert_eq!(at("/figures/0/value/median"), 4.0);
        assert_eq!(at("/figures/0/floor/at_least"), 5.0);
        assert!(at("/machine/cores").is_number());
    }
}
