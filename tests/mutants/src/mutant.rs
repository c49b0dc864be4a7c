//! One change to the code that a test should notice.

use std::ops::Range;

/// A change.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// Chosen when the tests run; 0 is none.
    pub(crate) id: u32,
    /// The room that it is counted in.
    pub(crate) room: &'static str,
    /// File below the root of the workspace.
    pub(crate) file: String,
    /// Line in it, from 1.
    pub(crate) line: usize,
    /// What is changed, in words.
    pub(crate) what: String,
    pub(crate) change: Change,
    /// The bytes that it replaces.
    pub(crate) place: Range<usize>,
    /// Whether it stands in a constant, so that it cannot be chosen when tests run.
    pub(crate) constant: bool,
}

impl Mutant {
    /// Names it without its line, as the list of known survivors does.
    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.file, self.what)
    }
}

/// The kinds of change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// The body of a function gives way to a value.
    Body(String),
    /// An operator gives way to another.
    Operator(String),
    /// `!` or `-` goes.
    Unary,
    /// An arm of a `match` goes.
    Arm,
    /// The guard of an arm is always `true`, or always `false`.
    Guard(bool),
    /// A field of a struct is left to the base; never woven in.
    Field,
    /// An `if` is always taken, or never.
    Condition(bool),
    /// A statement goes: a call whose value is not kept, or an assignment.
    Statement,
}
