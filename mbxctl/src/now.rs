//! The only reader of the wall clock.

use mbx_common::time::Timestamp;

/// The present moment; a clock before 1970 reads as the epoch.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn now() -> Timestamp {
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
