//! Levels of assurance and protection classes.
//!
//! Which level opens which class is decided by `access::decide` in the daemon, not here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How surely a person was identified: the Swedish levels of assurance 1–4 (tillitsnivå).
///
/// Source: K6.4, K6.5; `Tillitsramverk för Svensk e-legitimation`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Loa {
    /// Level 1: opens nothing.
    One,
    /// Level 2.
    Two,
    /// Level 3.
    Three,
    /// Level 4: satisfies level 3.
    Four,
}

impl Loa {
    /// Every level, lowest first.
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Three, Self::Four];

    /// The level as a number, 1–4.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
        }
    }
}

impl From<Loa> for u8 {
    fn from(level: Loa) -> Self {
        level.number()
    }
}

impl TryFrom<u8> for Loa {
    type Error = UnknownLevel;

    fn try_from(number: u8) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|level| level.number() == number).ok_or(UnknownLevel)
    }
}

impl fmt::Display for Loa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

impl FromStr for Loa {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        text.parse::<u8>().map_err(|_| UnknownLevel)?.try_into()
    }
}

/// How much harm disclosure of a message would do (skyddsklass 1–3).
///
/// Source: Digg Annex 2; the operation chooses it (`deliverSecure` = 3, `notify` = 1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum ProtectionClass {
    /// Class 1: the lowest.
    One,
    /// Class 2: no wire form; configured per sender.
    Two,
    /// Class 3: the highest, under its own key pair.
    Three,
}

impl ProtectionClass {
    /// Every class, lowest first.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// The class as a number, 1–3.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The key tier that protects messages of this class.
    pub const fn tier(self) -> Tier {
        match self {
            Self::One | Self::Two => Tier::Basic,
            Self::Three => Tier::High,
        }
    }
}

impl From<ProtectionClass> for u8 {
    fn from(class: ProtectionClass) -> Self {
        class.number()
    }
}

impl TryFrom<u8> for ProtectionClass {
    type Error = UnknownLevel;

    fn try_from(number: u8) -> Result<Self, UnknownLevel> {
        Self::ALL.into_iter().find(|class| class.number() == number).ok_or(UnknownLevel)
    }
}

impl fmt::Display for ProtectionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// Which of a mailbox's two key pairs: class 3 has its own (K6.5 by key separation).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Classes 1–2, under `kek-basic`.
    Basic,
    /// Class 3, under `kek-high`.
    High,
}

impl Tier {
    /// Both tiers.
    pub const ALL: [Self; 2] = [Self::Basic, Self::High];

    /// The tier's byte in stored formats: 1 basic, 2 high.
    pub const fn code(self) -> u8 {
        match self {
            Self::Basic => 1,
            Self::High => 2,
        }
    }

    /// The tier's name in labels and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::High => "high",
        }
    }
}

/// Which edition of the rules decides what a level of assurance opens.
///
/// Source: Annex 1 v1.2 (2015) and the edition in force from 2024-01-01, which demands level 3
/// for everything.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum RuleProfile {
    /// Level 2 opens classes 1–2, level 3 class 3 (K6.4, K6.5).
    #[default]
    #[serde(rename = "krav-1.2")]
    Krav12,
    /// Level 3 for everything.
    #[serde(rename = "digg-2024")]
    Digg2024,
}

impl RuleProfile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Krav12, Self::Digg2024];

    /// The name in the configuration and in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Krav12 => "krav-1.2",
            Self::Digg2024 => "digg-2024",
        }
    }

    /// The lowest level that opens messages of this class.
    pub const fn loa_for(self, class: ProtectionClass) -> Loa {
        match (self, class) {
            (Self::Krav12, ProtectionClass::One | ProtectionClass::Two) => Loa::Two,
            (Self::Krav12, ProtectionClass::Three) | (Self::Digg2024, _) => Loa::Three,
        }
    }

    /// The lowest level that may enter a mailbox and its settings, and accept terms.
    pub const fn loa_to_enter(self) -> Loa {
        match self {
            Self::Krav12 => Loa::Two,
            Self::Digg2024 => Loa::Three,
        }
    }
}

impl fmt::Display for RuleProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that is no level of assurance or protection class.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a known level: levels of assurance are 1–4, protection classes 1–3")]
pub struct UnknownLevel;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_nothing_else_parses() {
        for level in Loa::ALL {
            assert_eq!(Loa::try_from(level.number()), Ok(level));
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        for class in ProtectionClass::ALL {
            assert_eq!(ProtectionClass::try_from(class.number()), Ok(class));
            assert_eq!(class.to_string(), class.number().to_string());
        }
        assert_eq!(Loa::try_from(0), Err(UnknownLevel));
        assert_eq!(Loa::try_from(5), Err(UnknownLevel));
        assert_eq!(ProtectionClass::try_from(4), Err(UnknownLevel));
        assert_eq!("3 ".parse::<Loa>(), Err(UnknownLevel));
    }

    #[test]
    fn levels_and_classes_are_written_as_their_numbers() {
        assert_eq!(Loa::ALL.map(u8::from), [1, 2, 3, 4]);
        assert_eq!(ProtectionClass::ALL.map(u8::from), [1, 2, 3]);
    }

    #[test]
    fn only_class_three_is_under_the_high_key() {
        assert_eq!(ProtectionClass::One.tier(), Tier::Basic);
        assert_eq!(ProtectionClass::Two.tier(), Tier::Basic);
        assert_eq!(ProtectionClass::Three.tier(), Tier::High);
    }
}
