//! What `user` and `mailbox` show alike: a state, messages and sizes, key epochs.

use crate::context::Context;
use crate::output::figure::{bytes, count};
use crate::output::{Cell, Column, Tone};
use mbx_common::control::mailbox::Contents;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::time::Timestamp;

/// The columns after the mailbox (and its number) in both lists.
pub(super) fn columns() -> [Column; 3] {
    [Column::text("kind", "KIND"), Column::text("state", "STATE"), Column::text("since", "SINCE")]
}

/// Their cells.
pub(super) fn cells(
    context: &Context,
    (kind, state, since): (HolderKind, MailboxState, Timestamp),
) -> [Cell; 3] {
    let tone = match state {
        MailboxState::Active => Tone::Plain,
        MailboxState::Suspended => Tone::Attention,
        MailboxState::Closing | MailboxState::Closed => Tone::Dim,
    };
    [
        Cell::text(kind.name()),
        Cell::text(state.name()).tone(tone),
        Cell::pair(context.zone.day(since), since.to_string()),
    ]
}

/// Messages, sizes and key epochs, as `show` tells them.
pub(super) fn figures(
    context: &Context,
    contents: &Contents,
    epochs: Option<[u32; 2]>,
) -> Vec<(&'static str, String)> {
    let keys = epochs.map_or_else(
        || "– (the directory is locked)".to_owned(),
        |[basic, high]| format!("basic epoch {basic}, high epoch {high}"),
    );
    let messages = format!(
        "{} ({} unread, {} deleted)",
        count(contents.messages),
        count(contents.unread),
        count(contents.deleted)
    );
    let mut pairs = vec![
        ("Messages", messages),
        ("By class", by_class(contents.by_class)),
        ("Stored", bytes(contents.bytes)),
        ("Keys", keys),
    ];
    if let Some(at) = contents.last_in {
        pairs.push(("Last in", context.zone.minute(at)));
    }
    pairs
}

/// Messages of class 1, 2 and 3.
pub(super) fn by_class([one, two, three]: [u64; 3]) -> String {
    format!("1: {}  2: {}  3: {}", count(one), count(two), count(three))
}
