//! `[store]`: the log, its index and the disk they stand on.

use super::value::{ByteSize, Span};
use serde::{Deserialize, Serialize};

/// The store. It lives in the state folder; the keyring's file beside it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Size at which a segment of the log is sealed and the next one begun; so much space is
    /// reserved ahead. Default `128 MiB`; 1 MiB to 4 GiB.
    pub segment_size: ByteSize,
    /// Longest time between two checkpoints of the index: bounds the work after a crash. Default
    /// `30 s`.
    pub checkpoint_interval: Span,
    /// Most bytes of log between two checkpoints, for the same reason. Default `128 MiB`.
    pub checkpoint_bytes: ByteSize,
    /// Memory for pages of the index. Default `64 MiB`.
    pub index_cache: ByteSize,
    /// Most bytes of work that wait to be written; more is answered as busy. Default `128 MiB`.
    pub queue_bytes: ByteSize,
    /// Most units of work that wait to be written. Default 4096.
    pub queue_units: usize,
    /// Most bytes that share one sync, at most 256 MiB; a larger unit goes alone. Default `16 MiB`.
    pub group_bytes: ByteSize,
    /// Free space below which deliveries get a temporary fault. Default `2 GiB`.
    pub stop_deliveries_below: ByteSize,
    /// Free space below which everything but reading, staff's log-ins and freeing space is refused.
    /// What is left below it is the reserve for their audit entries. Default `512 MiB`.
    pub stop_writes_below: ByteSize,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            segment_size: ByteSize::mib(128),
            checkpoint_interval: Span::secs(30),
            checkpoint_bytes: ByteSize::mib(128),
            index_cache: ByteSize::mib(64),
            queue_bytes: ByteSize::mib(128),
            queue_units: 4096,
            group_bytes: ByteSize::mib(16),
            stop_deliveries_below: ByteSize::mib(2048),
            stop_writes_below: ByteSize::mib(512),
        }
    }
}
