//! `mailbox`: sizes, counts, key versions; never content.

use super::held;
use crate::cli::{MailboxCommand, MessageCommand};
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output::figure::{bytes, count, short_id};
use crate::output::{Answer, Cell, Column, Table};
use mbx_common::control::Page;
use mbx_common::control::job::Started;
use mbx_common::control::mailbox::{
    Mailbox, MailboxQuery, MailboxRow, MessageQuery, MessageRow, Stats, VerifyRequest,
};
use mbx_common::control::route::Route;
use mbx_common::explain;
use mbx_common::id::MailboxId;

/// `mailbox …`.
pub(super) async fn run(context: &mut Context, command: MailboxCommand) -> Result<Answer, Failure> {
    match command {
        MailboxCommand::List { state, figures } => {
            let query = MailboxQuery {
                state,
                figures,
                limit: Some(context.limit()),
                after: context.after(),
            };
            list(context, &query).await
        }
        MailboxCommand::Show { mailbox } => show(context, &mailbox).await,
        MailboxCommand::Stats => stats(context).await,
        MailboxCommand::Verify { mailbox, all: _, sample } => {
            let mailbox = match mailbox {
                Some(text) => Some(id(context, &text).await?),
                None => None,
            };
            verify(context, &VerifyRequest { mailbox, sample_pct: sample }).await
        }
        MailboxCommand::Message(MessageCommand::List { mailbox, class, deleted }) => {
            let query = MessageQuery {
                class,
                deleted,
                limit: Some(context.limit()),
                after: context.after(),
            };
            messages(context, &mailbox, &query).await
        }
    }
}

/// The whole id of a mailbox; of its beginning the daemon knows the rest.
async fn id(context: &mut Context, text: &str) -> Result<MailboxId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let shown = context.client.get::<Mailbox>(Route::MailboxShow, Some(text), &()).await?;
    Ok(shown.value.mailbox)
}

async fn list(context: &mut Context, query: &MailboxQuery) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<MailboxRow>>(Route::MailboxList, None, query).await?;
    let page = answered.value;
    let row = |row: &MailboxRow| {
        let mut cells = vec![Cell::id(&row.mailbox)];
        cells.extend(held::cells(context, (row.kind, row.state, row.since)));
        if let Some(figures) = &row.figures {
            cells.extend([
                Cell::count(figures.messages),
                Cell::count(figures.unread),
                Cell::bytes(figures.bytes),
                Cell::optional(figures.epochs.map(|[basic, high]| format!("{basic}/{high}"))),
            ]);
        }
        (cells, value(row))
    };
    let mut columns = vec![Column::text("mailbox", "MAILBOX")];
    columns.extend(held::columns());
    if query.figures {
        columns.extend([
            Column::figure("messages", "MESSAGES"),
            Column::figure("unread", "UNREAD"),
            Column::figure("stored", "STORED"),
            Column::text("epochs", "KEY EPOCHS"),
        ]);
    }
    let table = Table {
        columns,
        rows: page.rows.iter().map(row).collect(),
        id: "mailbox",
        total: page.total,
        empty: "no mailbox fits",
    };
    Ok(Answer::list("mailbox.list", table, page.next).request(answered.request_id))
}

async fn show(context: &mut Context, mailbox: &str) -> Result<Answer, Failure> {
    let answered = context.client.get::<Mailbox>(Route::MailboxShow, Some(mailbox), &()).await?;
    let mailbox = answered.value;
    let mut pairs = vec![
        ("Mailbox", mailbox.mailbox.to_string()),
        ("Kind", mailbox.kind.to_string()),
        ("State", mailbox.state.to_string()),
        ("Registered", context.zone.minute(mailbox.registered)),
    ];
    pairs.extend(held::figures(context, &mailbox.contents, mailbox.epochs));
    let short = short_id(&mailbox.mailbox.to_string());
    Ok(Answer::new("mailbox.show", value(&mailbox))
        .request(answered.request_id)
        .pairs(&pairs)
        .id(mailbox.mailbox)
        .hint(format!("mbxctl mailbox verify {}      checks every tag", mailbox.mailbox))
        .hint(format!("mbxctl mailbox message list {short}")))
}

async fn stats(context: &mut Context) -> Result<Answer, Failure> {
    let answered = context.client.get::<Stats>(Route::MailboxStats, None, &()).await?;
    let stats = answered.value;
    Ok(Answer::new("mailbox.stats", value(&stats)).request(answered.request_id).pairs(&[
        (
            "Mailboxes",
            format!("{} active, {} suspended", count(stats.active), count(stats.suspended)),
        ),
        ("Messages", format!("{} ({} unread)", count(stats.messages), count(stats.unread))),
        ("By class", held::by_class(stats.by_class)),
        ("Stored", bytes(stats.bytes)),
        ("Counted", context.zone.minute(stats.counted)),
    ]))
}

async fn verify(context: &mut Context, request: &VerifyRequest) -> Result<Answer, Failure> {
    let started = context.client.send_body::<Started>(Route::MailboxVerify, None, request).await;
    let started = started.map_err(|failure| {
        if failure.code() == explain::LIMIT {
            failure.with_hint("mbxctl job list --state running")
        } else {
            failure
        }
    })?;
    super::job::started(context, started.value.job, "mailbox.verify").await
}

async fn messages(
    context: &mut Context,
    mailbox: &str,
    query: &MessageQuery,
) -> Result<Answer, Failure> {
    let answered =
        context.client.get::<Page<MessageRow>>(Route::MessageList, Some(mailbox), query).await?;
    let page = answered.value;
    let row = |row: &MessageRow| {
        let state = match (row.deleted, row.read) {
            (Some(_), _) => "deleted",
            (None, true) => "read",
            (None, false) => "unread",
        };
        let cells = vec![
            Cell::pair(context.zone.second(row.received), row.received.to_string()),
            Cell::id(&row.message),
            Cell::text(row.sender.to_string()),
            Cell::text(row.class.number().to_string()),
            Cell::bytes(row.bytes),
            Cell::text(state),
            Cell::id(&row.delivery),
        ];
        (cells, value(row))
    };
    let table = Table {
        columns: vec![
            Column::text("time", "TIME"),
            Column::text("message", "MESSAGE"),
            Column::text("sender", "SENDER"),
            Column::figure("class", "CLASS"),
            Column::figure("stored", "STORED"),
            Column::text("state", "STATE"),
            Column::text("delivery", "DELIVERY").drop(),
        ],
        rows: page.rows.iter().map(row).collect(),
        id: "message",
        total: page.total,
        empty: "no message fits",
    };
    Ok(Answer::list("mailbox.message.list", table, page.next).request(answered.request_id))
}
