//! What `/v1/users` and `/v1/mailboxes` share: which mailbox is meant, what it holds, why the
//! service refuses.

use super::refusal::Refusal;
use super::rooms::Rooms;
use super::short_id::{is_beginning, the_one};
use crate::mailbox::staff::{self, HolderFilter, StaffError};
use mbx_common::control::mailbox::Contents;
use mbx_common::explain;
use mbx_common::id::MailboxId;

/// The mailbox of a whole id, or of its first digits where they are unique.
pub(super) async fn find(rooms: &Rooms, text: &str) -> Result<MailboxId, Refusal> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if !is_beginning(text, MailboxId::PREFIX) {
        return whole(text);
    }
    let filter = HolderFilter { after: before(text), limit: Some(2), ..HolderFilter::default() };
    let page = rooms.mailboxes.list_mailboxes(filter, false).await;
    let page = page.map_err(|error| refused(rooms, &error))?;
    let ids = page.mailboxes.iter().map(|(holder, _)| holder.mailbox);
    let fitting = ids.filter(|id| id.to_string().starts_with(text));
    the_one(fitting, (explain::NO_MAILBOX, "mailbox"))
}

/// A whole mailbox id.
pub(super) fn whole(text: &str) -> Result<MailboxId, Refusal> {
    text.parse().map_err(|error: mbx_common::id::ParseIdError| {
        Refusal::new(explain::USAGE, error.to_string())
    })
}

/// The id just before every one that begins like this.
fn before(text: &str) -> Option<MailboxId> {
    let digits = text.split_once('_').map_or("", |(_, digits)| digits);
    let first: MailboxId = format!("{}_{digits:0<32}", MailboxId::PREFIX).parse().ok()?;
    let value = u128::from_be_bytes(*first.as_bytes()).checked_sub(1)?;
    Some(MailboxId::from_bytes(value.to_be_bytes()))
}

/// Messages and sizes as the API spells them.
pub(super) const fn contents(contents: &staff::Contents) -> Contents {
    Contents {
        messages: contents.messages,
        unread: contents.unread,
        deleted: contents.deleted,
        bytes: contents.bytes,
        by_class: contents.by_class,
        last_in: contents.last_in,
    }
}

/// A refusal by the service.
pub(super) fn refused(rooms: &Rooms, error: &StaffError) -> Refusal {
    if let StaffError::Keys(error) = error {
        return Refusal::of_keys(error, &rooms.keys.status());
    }
    Refusal::new(error.code(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_before_a_beginning_is_the_next_lower_one() {
        let id = before("mbx_4f3a9c21").unwrap();
        assert_eq!(id.to_string(), "mbx_4f3a9c20ffffffffffffffffffffffff");
        assert_eq!(before("mbx_000000"), None);
    }
}
