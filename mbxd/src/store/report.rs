//! What the store tells about itself.

/// Whether the store serves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Health {
    /// It reads and writes.
    #[default]
    Serving,
    /// A write or the index failed; commits answer `Unavailable` until it has recovered, which it
    /// tries by itself.
    Recovering,
    /// Stored data is damaged; nothing more is written.
    Damaged,
    /// It was stopped.
    Closed,
}

impl Health {
    /// A number for atomics.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Serving => 0,
            Self::Recovering => 1,
            Self::Damaged => 2,
            Self::Closed => 3,
        }
    }

    /// The health of a [`Health::number`].
    pub(super) const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Serving,
            1 => Self::Recovering,
            2 => Self::Damaged,
            _ => Self::Closed,
        }
    }
}

/// What the store has done since it was opened, for metrics and benchmarks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Units of work made durable.
    pub units: u64,
    /// Groups that they were written in: each cost one sync of the log.
    pub groups: u64,
    /// Bytes written to the log.
    pub log_bytes: u64,
    /// Bytes of content among them.
    pub content_bytes: u64,
    /// Checkpoints of the index.
    pub checkpoints: u64,
    /// Times that it had to recover from a failure.
    pub recoveries: u64,
    /// Units that wait to be written now.
    pub waiting_units: usize,
    /// Bytes that they take.
    pub waiting_bytes: u64,
}

/// What checking one segment of the log found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Checked {
    /// Number of the segment.
    pub segment: u32,
    /// Units of work read whole, all checksums right.
    pub units: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Byte from which on the segment is damaged, where it is.
    pub damaged_at: Option<u64>,
    /// Contents and audit entries that the index does not find where they are.
    pub misplaced: u64,
    /// The segment to check next; `None` = this was the last.
    pub next: Option<u32>,
}

/// How much space is left, as `status`, metrics and the watermarks see it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Space {
    /// Bytes that the store uses.
    pub used_bytes: u64,
    /// Bytes free on its disk.
    pub free_bytes: u64,
    /// Whether deliveries are refused (below watermark 1).
    pub deliveries_stopped: bool,
    /// Whether everything but reading is refused (below watermark 2).
    pub writes_stopped: bool,
}
