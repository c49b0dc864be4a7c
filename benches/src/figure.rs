//! Figures: what was measured, what it is held against, what it must reach, where it stands.

use crate::sample::Sample;
use serde::Serialize;

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

    /// The bound as people read it.
    pub fn shown(self, unit: Unit) -> String {
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
    /// Microseconds.
    Microseconds,
    /// Bytes, many.
    Bytes,
    /// Bytes, each told.
    BytesExact,
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
            Self::Microseconds if value.abs() < 10.0 => format!("{value:.1} µs"),
            Self::Microseconds => format!("{value:.0} µs"),
            Self::Bytes => format!("{:.0} MiB", value / f64::from(1 << 20)),
            Self::BytesExact => format!("{value:.0} B"),
        }
    }
}

/// Where a figure stands, by its median.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is asked of it.
    None,
    /// The goal is reached.
    Goal,
    /// The floor is, the goal is not.
    AboveTheFloor,
    /// The floor is missed.
    BelowTheFloor,
    /// Something is asked of it, and what it is held against was not there.
    NotMeasured,
}

impl Verdict {
    /// The verdict as people read it.
    pub const fn shown(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Goal => "goal",
            Self::AboveTheFloor => "above the floor",
            Self::BelowTheFloor => "BELOW THE FLOOR",
            Self::NotMeasured => "NOT MEASURED",
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
    pub ours: Option<Sample>,
    /// The value of the same rounds that it is held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Sample>,
    /// Unit of both.
    pub measured_in: Unit,
    /// The figure itself; none where it is a ratio and the other side was not there.
    pub value: Option<Sample>,
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
    pub fn alone(part: &'static str, name: impl Into<String>, value: Sample, unit: Unit) -> Self {
        Self {
            part,
            name: name.into(),
            ours: None,
            against: None,
            measured_in: unit,
            value: Some(value),
            unit,
            goal: None,
            floor: None,
        }
    }

    /// Ours as a multiple of another's, round by round; no figure where the other was not there.
    pub fn ratio(
        part: &'static str,
        name: impl Into<String>,
        ours: Sample,
        against: Option<Sample>,
        measured_in: Unit,
    ) -> Self {
        let value = against.as_ref().map(|against| ours.over(against));
        let alone = Self::alone(part, name, Sample::default(), measured_in);
        Self { ours: Some(ours), against, value, unit: Unit::Times, ..alone }
    }

    /// The same, written as a part of a whole.
    #[must_use]
    pub fn as_percent(mut self) -> Self {
        self.unit = Unit::Percent;
        self
    }

    /// The same with a goal and a floor.
    #[must_use]
    pub fn held_to(mut self, goal: Bound, floor: Bound) -> Self {
        (self.goal, self.floor) = (Some(goal), Some(floor));
        self
    }

    /// The same with a goal and a floor that is no more than the goal.
    #[must_use]
    pub fn held_to_exactly(self, bound: Bound) -> Self {
        self.held_to(bound, bound)
    }

    /// Where it stands, by its median.
    pub fn verdict(&self) -> Verdict {
        self.value.as_ref().map_or_else(
            || self.floor.map_or(Verdict::None, |_| Verdict::NotMeasured),
            |value| self.judge(value.median()),
        )
    }

    /// Whether some rounds taken alone would stand elsewhere: the verdict is near its bound, or the
    /// machine was disturbed.
    pub fn is_unsteady(&self) -> bool {
        let stands = |value| self.judge(value);
        self.value.as_ref().is_some_and(|value| stands(value.min()) != stands(value.max()))
    }

    fn judge(&self, value: f64) -> Verdict {
        match (self.goal, self.floor) {
            (Some(goal), _) if goal.is_met(value) => Verdict::Goal,
            (_, Some(floor)) if floor.is_met(value) => Verdict::AboveTheFloor,
            (_, Some(_)) => Verdict::BelowTheFloor,
            _ => Verdict::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        values.iter().copied().collect()
    }

    fn held(ours: &[f64]) -> Figure {
        let against = ours.iter().map(|_| 10.0).collect();
        Figure::ratio("part", "name", sample(ours), Some(against), Unit::PerSecond)
            .held_to(Bound::AtLeast(2.0), Bound::AtLeast(1.0))
    }

    #[test]
    fn a_verdict_says_where_the_median_stands() {
        assert_eq!(held(&[20.0]).verdict(), Verdict::Goal);
        assert_eq!(held(&[19.9]).verdict(), Verdict::AboveTheFloor);
        assert_eq!(held(&[9.9]).verdict(), Verdict::BelowTheFloor);
        assert_eq!(held(&[1.0, 20.0, 99.0]).verdict(), Verdict::Goal);
        assert_eq!(held(&[1.0, 9.9, 99.0]).verdict(), Verdict::BelowTheFloor);
    }

    #[test]
    fn a_bound_from_above_is_met_from_below() {
        let figure = |ms| {
            Figure::alone("part", "name", Sample::one(ms), Unit::Milliseconds)
                .held_to(Bound::AtMost(500.0), Bound::AtMost(1000.0))
                .verdict()
        };
        let verdicts = [Verdict::Goal, Verdict::AboveTheFloor, Verdict::BelowTheFloor];
        assert_eq!([500.0, 1000.0, 1000.1].map(figure), verdicts);
    }

    #[test]
    fn a_figure_is_unsteady_where_single_rounds_stand_elsewhere() {
        assert!(!held(&[20.0, 30.0, 25.0]).is_unsteady());
        assert!(held(&[19.0, 30.0, 25.0]).is_unsteady());
    }

    #[test]
    fn a_ratio_without_the_other_side_is_told_as_not_measured_where_something_is_asked_of_it() {
        let alone = Figure::ratio("part", "name", sample(&[5.0]), None, Unit::PerSecond);
        assert_eq!(alone.verdict(), Verdict::None);
        let held = alone.held_to(Bound::AtLeast(2.0), Bound::AtLeast(1.0));
        assert_eq!((held.verdict(), held.is_unsteady()), (Verdict::NotMeasured, false));
        assert_eq!(held.ours, Some(sample(&[5.0])));
    }

    #[test]
    fn what_gave_no_number_is_below_the_floor() {
        let nothing = Figure::alone("part", "name", Sample::default(), Unit::Milliseconds)
            .held_to(Bound::AtMost(5.0), Bound::AtMost(9.0));
        assert_eq!(nothing.verdict(), Verdict::BelowTheFloor);
    }

    #[test]
    fn nothing_is_said_of_a_figure_that_is_held_to_nothing() {
        let figure = Figure::alone("part", "name", Sample::one(1.0), Unit::Plain);
        assert_eq!((figure.verdict(), figure.is_unsteady()), (Verdict::None, false));
    }
}
