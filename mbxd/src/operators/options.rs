//! What the configuration decides about staff (`[operators]`).

/// What the configuration decides about staff.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// A session ends after so many milliseconds without a command.
    pub idle_ms: u64,
    /// A session ends so many milliseconds after the login.
    pub absolute_ms: u64,
    /// A password must be changed after so many milliseconds.
    pub password_age_max_ms: u64,
    /// So many earlier passwords cannot be taken again.
    pub password_history: usize,
    /// Sessions that one person may have at a time; a further login ends the oldest.
    pub sessions_max: usize,
    /// What one password check costs.
    pub cost: Cost,
    /// The daemon's own uid, which like root may do the first set-up.
    pub daemon_uid: u32,
}

/// What one Argon2id call costs (RFC 9106).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            idle_ms: 15 * 60 * 1000,
            absolute_ms: 10 * 3600 * 1000,
            password_age_max_ms: 365 * 86_400_000,
            password_history: 5,
            sessions_max: 8,
            cost: Cost::default(),
            daemon_uid: 0,
        }
    }
}

impl Cost {
    /// Memory that can be configured, in KiB: 64 KiB, which is for tests, to 4 GiB.
    pub const MEMORY_KIB: std::ops::RangeInclusive<u32> = 64..=4 * 1024 * 1024;

    /// Passes that can be configured.
    pub const PASSES: std::ops::RangeInclusive<u32> = 1..=1000;

    /// Whether one password check may cost so much.
    pub fn is_in_range(self) -> bool {
        Self::MEMORY_KIB.contains(&self.memory_kib) && Self::PASSES.contains(&self.passes)
    }
}

impl Default for Cost {
    /// RFC 9106's second recommendation, for where memory is scarce: 64 MiB, three passes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3 }
    }
}
