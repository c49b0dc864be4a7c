//! An assertion that was used.

use super::Row;
use mbx_common::id::MessageId;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Row of the *jti* table. Its key is SHA-256 over issuer and `jti`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct JtiRow {
    /// Until when the assertion could be used: then the row may be dropped.
    pub(crate) until: Timestamp,
    /// The message that it opened, where it did: the same may be read on with it.
    pub(crate) opened: Option<MessageId>,
}

impl Row for JtiRow {
    const VERSION: u8 = 1;
}
