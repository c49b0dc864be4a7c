//! `mailbox`: sizes, counts, key versions; never content.

use super::user::state_cell;
use crate::cli::{MailboxCommand, MessageCommand};
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output::figure::{bytes, count, short_id, things};
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::mailbox::{
    Mailbox, MailboxQuery, MailboxRow, MessageQuery, MessageRow, Stats, Verified, VerifyRequest,
};
use mbx_common::control::route::Route;
use mbx_common::explain;

/// `mailbox …`.
pub(super) async fn run(context: &mut Context, command: MailboxCommand) -> Result<Answer, Failure> {
    match command {
        MailboxCommand::List { state } => {
            let query = MailboxQuery {
                state: state.map(Into::into),
                limit: Some(context.limit()),
                after: context.after(),
            };
            list(context, &query).await
        }
        MailboxCommand::Show { mailbox } => show(context, &mailbox).await,
        MailboxCommand::Stats => stats(context).await,
        MailboxCommand::Verify { mailbox, all: _, sample } => {
            let mailbox = mailbox.map(|text| id(&text)).transpose()?;
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

/// A whole mailbox id, where its beginning does not do.
fn id(text: &str) -> Result<mbx_common::id::MailboxId, Failure> {
    text.parse().map_err(|error: mbx_common::id::ParseIdError| {
        Failure::here(explain::USAGE, error.to_string()).with_hint("mbxctl mailbox list -o id")
    })
}

async fn list(context: &mut Context, query: &MailboxQuery) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<MailboxRow>>(Route::MailboxList, None, query).await?;
    let page = answered.value;
    let row = |row: &MailboxRow| {
        let [basic, high] = row.keks;
        let [epoch_basic, epoch_high] = row.epochs;
        let cells = vec![
            Cell::id(&row.mailbox),
            Cell::text(row.kind.name()),
            state_cell(row.state),
            Cell::count(row.messages),
            Cell::count(row.unread),
            Cell::bytes(row.bytes),
            Cell::text(format!("{basic}/{high}")),
            Cell::text(format!("{epoch_basic}/{epoch_high}")),
        ];
        (cells, value(row))
    };
    let table = Table {
        columns: vec![
            Column::text("mailbox", "MAILBOX"),
            Column::text("kind", "KIND"),
            Column::text("state", "STATE"),
            Column::figure("messages", "MESSAGES"),
            Column::figure("unread", "UNREAD"),
            Column::figure("stored", "STORED"),
            Column::text("keks", "KEK"),
            Column::text("epochs", "EPOCH").wide(),
        ],
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
    let contents = &mailbox.contents;
    let [one, two, three] = contents.by_class;
    let [kek_basic, kek_high] = mailbox.keks;
    let [basic, high] = mailbox.epochs;
    let mut pairs = vec![
        ("Mailbox", mailbox.mailbox.to_string()),
        ("Kind", mailbox.kind.to_string()),
        ("State", mailbox.state.to_string()),
        ("Registered", context.zone.minute(mailbox.registered)),
        (
            "Messages",
            format!(
                "{} ({} unread, {} deleted)",
                count(contents.messages),
                count(contents.unread),
                count(contents.deleted)
            ),
        ),
        ("By class", format!("1: {}  2: {}  3: {}", count(one), count(two), count(three))),
        ("Stored", bytes(contents.bytes)),
        ("Keys", format!("kek-basic-{kek_basic} epoch {basic}, kek-high-{kek_high} epoch {high}")),
    ];
    if let Some(at) = contents.last_in {
        pairs.push(("Last in", context.zone.minute(at)));
    }
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
    let [one, two, three] = stats.by_class;
    Ok(Answer::new("mailbox.stats", value(&stats)).request(answered.request_id).pairs(&[
        (
            "Mailboxes",
            format!("{} active, {} suspended", count(stats.active), count(stats.suspended)),
        ),
        ("Messages", format!("{} ({} unread)", count(stats.messages), count(stats.unread))),
        ("By class", format!("1: {}  2: {}  3: {}", count(one), count(two), count(three))),
        ("Stored", bytes(stats.bytes)),
        ("Counted", context.zone.minute(stats.counted)),
    ]))
}

async fn verify(context: &mut Context, request: &VerifyRequest) -> Result<Answer, Failure> {
    let answered =
        context.client.send_body::<Verified>(Route::MailboxVerify, None, request).await?;
    let verified = answered.value;
    if let Some(job) = verified.job {
        return super::job::started(context, job, "mailbox.verify").await;
    }
    let answer = Answer::new("mailbox.verify", value(&verified)).request(answered.request_id);
    let facts = format!(
        "{}, {}, {}",
        things(verified.mailboxes, "mailbox", "mailboxes"),
        things(verified.messages, "message", "messages"),
        bytes(verified.bytes)
    );
    if verified.findings.is_empty() {
        return Ok(answer.line(Line::signed(Tone::Ok, format!("Sound: {facts}"))));
    }
    let found = u64::try_from(verified.findings.len()).unwrap_or(u64::MAX);
    let findings = format!("{} in {facts}", things(found, "finding", "findings"));
    let mut answer = answer.line(Line::signed(Tone::Wrong, findings)).exit(1);
    for finding in &verified.findings {
        let message = finding.message.map(|message| format!(" {message}"));
        let text =
            format!("  {}{}  {}", finding.mailbox, message.unwrap_or_default(), finding.what);
        answer = answer.line(Line::plain(text));
    }
    Ok(answer.hint("mbxctl explain MBX-5003"))
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
