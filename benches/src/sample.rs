//! What rounds gave: the value in the middle, and how far the others lie from it.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// One value for each round, in the order of the rounds; a count that has no rounds is one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Of no round yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A value that was counted once, or the same in every round.
    pub fn one(value: f64) -> Self {
        Self(vec![value])
    }

    /// Takes the next round's value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        self.0.len()
    }

    /// The value in the middle, or between the two in the middle. Not a number where there is none,
    /// so that nothing that was not measured reaches a bound.
    pub fn median(&self) -> f64 {
        let mut values = self.0.clone();
        values.sort_by(f64::total_cmp);
        let upper = values.get(values.len() / 2);
        let lower = values.get(values.len().saturating_sub(1) / 2);
        lower.zip(upper).map_or(f64::NAN, |(lower, upper)| f64::midpoint(*lower, *upper))
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// The greatest value.
    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// Greatest less smallest, as a part of the median: what noise alone can make of a figure.
    pub fn spread(&self) -> f64 {
        if self.max() > self.min() { (self.max() - self.min()) / self.median().abs() } else { 0.0 }
    }

    /// Each round's value as a multiple of the other's of the same round: what disturbed a round
    /// disturbed both.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.with(other, |own, other| own / other)
    }

    /// Two samples joined round by round.
    #[must_use]
    pub fn with(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        self.0.iter().zip(&other.0).map(|(own, other)| join(*own, *other)).collect()
    }

    /// Every value altered in the same way.
    #[must_use]
    pub fn map(&self, alter: impl Fn(f64) -> f64) -> Self {
        self.0.iter().map(|value| alter(*value)).collect()
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sample = serializer.serialize_struct("Sample", 4)?;
        sample.serialize_field("min", &self.min())?;
        sample.serialize_field("median", &self.median())?;
        sample.serialize_field("max", &self.max())?;
        sample.serialize_field("rounds", &self.0)?;
        sample.end()
    }
}

/// A count as a number to reckon with.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// The same of a length.
pub fn length(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample<const N: usize>(values: [f64; N]) -> Sample {
        values.into_iter().collect()
    }

    fn near(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() < 1e-9
    }

    #[test]
    fn the_median_is_the_value_in_the_middle_whatever_the_order_of_the_rounds() {
        assert!(near(sample([9.0, 1.0, 5.0]).median(), 5.0));
        assert!(near(sample([9.0, 1.0, 5.0, 6.0]).median(), 5.5));
        assert!(near(Sample::one(3.0).median(), 3.0));
    }

    #[test]
    fn one_disturbed_round_moves_the_greatest_and_the_spread_but_hardly_the_median() {
        let (quiet, disturbed) = (sample([10.0, 11.0, 12.0]), sample([10.0, 11.0, 90.0]));
        assert!(near(disturbed.median(), quiet.median()));
        assert!(near(disturbed.max(), 90.0) && near(disturbed.min(), 10.0));
        assert!(near(quiet.spread(), 2.0 / 11.0) && near(disturbed.spread(), 80.0 / 11.0));
    }

    #[test]
    fn a_ratio_is_made_round_by_round() {
        // A slow second round slowed both sides: the ratio does not feel it.
        let ratio = sample([10.0, 5.0, 10.0]).over(&sample([2.0, 1.0, 2.0]));
        assert_eq!(ratio, sample([5.0, 5.0, 5.0]));
        assert!(near(ratio.spread(), 0.0));
    }

    #[test]
    fn nothing_measured_is_no_number() {
        let nothing = Sample::default();
        assert!(nothing.median().is_nan() && nothing.min().is_nan() && nothing.max().is_nan());
        assert_eq!(nothing.rounds(), 0);
    }

    #[test]
    fn the_written_form_holds_every_round() {
        let written = serde_json::to_string(&sample([2.0, 1.0, 3.0])).unwrap();
        assert_eq!(written, r#"{"min":1.0,"median":2.0,"max":3.0,"rounds":[2.0,1.0,3.0]}"#);
    }
}
