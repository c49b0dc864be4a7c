//! How many mailboxes each KEK protects, as it was counted last.

use mbx_common::id::KeyId;
use mbx_common::time::Timestamp;
use std::collections::HashMap;

/// Mailboxes under each KEK, and when they were counted.
pub(super) struct Protected {
    pub(super) mailboxes: HashMap<KeyId, u64>,
    pub(super) counted: Timestamp,
}
