//! `/v1/mailboxes`: sizes, counts, key versions; never content.

use super::answer::{Answer, json};
use super::ask::Ask;
use super::held::{contents, find, refused, whole};
use super::refusal::Refusal;
use super::rooms::Rooms;
use crate::mailbox::staff;
use crate::mailbox::staff::{HolderFilter, MessageFilter};
use crate::operators::Staff;
use mbx_common::assurance::ProtectionClass;
use mbx_common::control::Page;
use mbx_common::control::job::Started;
use mbx_common::control::mailbox::{
    Figures, Mailbox, MailboxQuery, MailboxRow, MessageQuery, MessageRow, Stats, VerifyRequest,
};
use mbx_common::control::route::Route;
use mbx_common::explain;

/// Answers a request about mailboxes.
pub(super) async fn answer(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    if ask.route == Route::MailboxList {
        list(rooms, ask).await
    } else if ask.route == Route::MailboxStats {
        stats(rooms).await
    } else if ask.route == Route::MailboxVerify {
        verify(rooms, ask, staff).await
    } else if ask.route == Route::MailboxShow {
        show(rooms, ask).await
    } else {
        messages(rooms, ask, staff).await
    }
}

async fn list(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let query: MailboxQuery = ask.query()?;
    let filter = HolderFilter {
        state: query.state,
        limit: query.limit,
        after: query.after.as_deref().map(whole).transpose()?,
        ..HolderFilter::default()
    };
    let page = rooms.mailboxes.list_mailboxes(filter, query.figures).await;
    let page = page.map_err(|error| refused(rooms, &error))?;
    let row = |(holder, figures): &(staff::Holder, Option<staff::Figures>)| MailboxRow {
        mailbox: holder.mailbox,
        kind: holder.kind,
        state: holder.state,
        since: holder.since,
        figures: figures.map(|figures| Figures {
            messages: figures.contents.messages,
            unread: figures.contents.unread,
            bytes: figures.contents.bytes,
            epochs: figures.epochs,
        }),
    };
    let rows = page.mailboxes.iter().map(row).collect();
    json(&Page { rows, next: page.next.map(|id| id.to_string()), total: None })
}

async fn show(rooms: &Rooms, ask: &Ask) -> Result<Answer, Refusal> {
    let mailbox = find(rooms, ask.parameter()).await?;
    let shown = rooms.mailboxes.show_mailbox(mailbox).await;
    let (holder, figures) = shown.map_err(|error| refused(rooms, &error))?;
    json(&Mailbox {
        mailbox,
        kind: holder.kind,
        state: holder.state,
        registered: holder.registered,
        contents: contents(&figures.contents),
        epochs: figures.epochs,
    })
}

async fn stats(rooms: &Rooms) -> Result<Answer, Refusal> {
    let stats = rooms.mailboxes.stats().await.map_err(|error| refused(rooms, &error))?;
    json(&Stats {
        active: stats.active,
        suspended: stats.suspended,
        messages: stats.contents.messages,
        unread: stats.contents.unread,
        bytes: stats.contents.bytes,
        by_class: stats.contents.by_class,
        counted: stats.counted,
    })
}

async fn verify(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let request: VerifyRequest = ask.body()?;
    let sample = request.sample_pct.unwrap_or(100);
    let started =
        rooms.mailboxes.start_verification(request.mailbox, sample, &ask.origin(staff)).await;
    let job = started.map_err(|error| {
        if matches!(error, staff::VerifyError::NoMailbox) {
            return Refusal::new(explain::NO_MAILBOX, error.to_string());
        }
        Refusal::of_kind(error.kind(), &error)
    })?;
    json(&Started { job: job.id })
}

async fn messages(rooms: &Rooms, ask: &Ask, staff: &Staff) -> Result<Answer, Refusal> {
    let query: MessageQuery = ask.query()?;
    let class = query.class.map(ProtectionClass::try_from).transpose();
    let before = query.after.as_deref().map(str::parse::<u64>).transpose();
    let filter = MessageFilter {
        class: class.map_err(|_| Refusal::new(explain::USAGE, "a class is 1, 2 or 3"))?,
        deleted: query.deleted,
        limit: query.limit,
        before: before.map_err(|_| Refusal::new(explain::USAGE, "after is not of this list"))?,
    };
    let mailbox = find(rooms, ask.parameter()).await?;
    let page = rooms.mailboxes.messages(mailbox, filter, &ask.origin(staff)).await;
    let page = page.map_err(|error| refused(rooms, &error))?;
    let row = |message: &staff::MessageFacts| MessageRow {
        message: message.message,
        delivery: message.delivery,
        sender: message.sender,
        received: message.received,
        class: message.class,
        bytes: message.len,
        read: message.read.is_some(),
        deleted: message.deleted,
    };
    let rows = page.messages.iter().map(row).collect();
    json(&Page { rows, next: page.next.map(|place| place.to_string()), total: None })
}
