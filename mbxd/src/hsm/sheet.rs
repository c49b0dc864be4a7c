//! The compatibility sheet of a token: what `hsm test` answers.

/// What the daemon needs of a token, tried on it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sheet {
    /// Maker and model of the token.
    pub model: String,
    /// Maker, description and version of the module.
    pub module: String,
    /// What was tried, in a fixed order.
    pub checks: Vec<Check>,
    /// What was measured, one session.
    pub rates: Vec<Rate>,
}

/// One thing that was tried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// What, in a few words.
    pub name: &'static str,
    /// Whether the daemon cannot do without it.
    pub needed: bool,
    /// What came out.
    pub outcome: Outcome,
}

/// What came out of one check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// The token does not offer it.
    Absent,
    /// Offered, but it failed or did what it must not do; with the token's code or our reason.
    Failed(String),
}

/// How fast one operation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// `seal`, `open` or `sign`.
    pub operation: &'static str,
    /// Operations per second of one session.
    pub per_second: u32,
    /// Median, in microseconds.
    pub p50_us: u32,
    /// 99th percentile, in microseconds.
    pub p99_us: u32,
}

impl Sheet {
    /// Whether everything that is needed passed.
    pub fn usable(&self) -> bool {
        !self.checks.is_empty()
            && self.checks.iter().all(|check| !check.needed || check.outcome == Outcome::Passed)
    }
}
