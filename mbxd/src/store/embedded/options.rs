//! What the operator can set.

use super::space::Watermarks;
use crate::config;
use std::time::Duration;

/// The settings of [`config::Store`] in the engine's units.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) segment_size: u64,
    pub(super) checkpoint_interval: Duration,
    pub(super) checkpoint_bytes: u64,
    pub(super) index_cache: usize,
    /// Rows, contents and leaves that are written to the index's file at once.
    pub(super) layer_len: usize,
    pub(super) queue_bytes: u64,
    pub(super) queue_units: usize,
    pub(super) group_bytes: u64,
    pub(super) watermarks: Watermarks,
}

impl From<&config::Store> for Options {
    fn from(config: &config::Store) -> Self {
        Self {
            segment_size: config.segment_size.get(),
            checkpoint_interval: config.checkpoint_interval.duration(),
            checkpoint_bytes: config.checkpoint_bytes.get(),
            index_cache: config.index_cache.as_len(),
            layer_len: LAYER_LEN,
            queue_bytes: config.queue_bytes.get(),
            queue_units: config.queue_units,
            group_bytes: config.group_bytes.get(),
            watermarks: Watermarks {
                deliveries: config.stop_deliveries_below.get(),
                writes: config.stop_writes_below.get(),
            },
        }
    }
}

/// Some two hundred deliveries: many enough that neighbours in the index are written together, few
/// enough that writing them takes milliseconds.
const LAYER_LEN: usize = 2048;
