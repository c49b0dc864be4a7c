//! Entry points for hostile bytes (`fuzz/`).

use super::{escape, query};
use mbx_common::control::audit::{AuditQuery, TailQuery};
use mbx_common::control::delivery::DeliveryQuery;
use mbx_common::control::job::JobQuery;
use mbx_common::control::mailbox::{MailboxQuery, MessageQuery};
use mbx_common::control::user::UserQuery;

/// A query, read for every route that takes one: how many took it.
pub fn query(text: &str) -> usize {
    let taken = [
        query::read::<AuditQuery>(text).is_ok(),
        query::read::<TailQuery>(text).is_ok(),
        query::read::<DeliveryQuery>(text).is_ok(),
        query::read::<JobQuery>(text).is_ok(),
        query::read::<MailboxQuery>(text).is_ok(),
        query::read::<MessageQuery>(text).is_ok(),
        query::read::<UserQuery>(text).is_ok(),
    ];
    taken.into_iter().filter(|taken| *taken).count()
}

/// What stands for `{…}` in a path.
pub fn parameter(text: &str) -> Option<String> {
    escape::unescape(text)
}
