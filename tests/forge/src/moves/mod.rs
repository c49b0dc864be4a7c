//! What is done to valid deliveries. A move that `keeps` leaves a delivery which the profile takes.

mod content;
mod info;
mod key;
mod octets;
mod style;
mod surgery;
mod wrap;

use crate::scene::Scene;
use crate::sign::{Bend, Level};
use std::fmt;
use std::sync::LazyLock;

/// When a move is made.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Chooses how the request will be written.
    Style,
    /// Changes what is said, before the sender signs it.
    Content,
    /// Changes how the sender signs.
    Inner,
    /// Changes what the sender signed, before the dispatcher seals it.
    Between,
    /// Changes how the dispatcher signs.
    Outer,
    /// Changes the tree when both have signed.
    Whole,
    /// Changes the bytes.
    Octets,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 7] = [
        Self::Style,
        Self::Content,
        Self::Inner,
        Self::Between,
        Self::Outer,
        Self::Whole,
        Self::Octets,
    ];
}

/// Does something to a case on one level.
type OnLevel = fn(&mut Scene<'_>, Level);

/// What a move does.
#[derive(Clone, Copy)]
enum Act {
    /// Something to the case.
    Case(fn(&mut Scene<'_>)),
    /// Something to the case, on one level.
    On(Level, OnLevel),
    /// Something to a `SignedInfo` before it is signed.
    Info(Level, Bend),
    /// Something to a `Signature` when it is made.
    Signature(Level, Bend),
}

/// Something that is done to a case.
pub struct Move {
    /// Its name.
    pub name: &'static str,
    /// When it is made.
    pub stage: Stage,
    /// Whether a valid delivery stays one.
    pub keeps: bool,
    act: Act,
}

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Move {
    /// Does it.
    pub fn make(&self, scene: &mut Scene<'_>) {
        match self.act {
            Act::Case(act) => act(scene),
            Act::On(level, act) => act(scene, level),
            Act::Info(level, bend) => scene.spec_mut(level).bends.push(bend),
            Act::Signature(level, bend) => scene.spec_mut(level).afterwards.push(bend),
        }
    }
}

const fn keeps(name: &'static str, stage: Stage, act: fn(&mut Scene<'_>)) -> Move {
    Move { name, stage, keeps: true, act: Act::Case(act) }
}

const fn breaks(name: &'static str, stage: Stage, act: fn(&mut Scene<'_>)) -> Move {
    Move { name, stage, keeps: false, act: Act::Case(act) }
}

/// A move of how a level is signed, once for each level.
fn both(name: &'static str, keeps: bool, act: impl Fn(Level) -> Act) -> [Move; 2] {
    [(Stage::Inner, Level::Sender), (Stage::Outer, Level::Seal)].map(|(stage, level)| Move {
        name,
        stage,
        keeps,
        act: act(level),
    })
}

/// Every move.
pub static MOVES: LazyLock<Vec<Move>> = LazyLock::new(|| {
    let lists = [
        style::moves(),
        content::moves(),
        info::moves(),
        key::moves(),
        surgery::moves(),
        wrap::moves(),
        octets::moves(),
    ];
    lists.into_iter().flatten().collect()
});
