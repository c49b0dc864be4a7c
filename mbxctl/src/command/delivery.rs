//! `delivery`: what authorities sent, and what became of it.

use crate::cli::DeliveryCommand;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output::figure::{bytes, count, short_id, things};
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::delivery::{DeliveryQuery, DeliveryResult, DeliveryRow, Stage, Trace};
use mbx_common::control::route::Route;

/// What stands in the path before a sender's own id.
const BY_SENDER_ID: &str = "sender:";

/// `delivery …`.
pub(super) async fn run(
    context: &mut Context,
    command: DeliveryCommand,
) -> Result<Answer, Failure> {
    match command {
        DeliveryCommand::List { rejected, duplicate, sender, since, until } => {
            let result = match (rejected, duplicate) {
                (true, _) => Some(DeliveryResult::Refused),
                (false, true) => Some(DeliveryResult::Repeated),
                (false, false) => None,
            };
            let query = DeliveryQuery {
                result,
                sender,
                since: Context::moment(since),
                until: Context::moment(until),
                limit: Some(context.limit()),
                after: context.after(),
            };
            list(context, &query).await
        }
        DeliveryCommand::Trace { id, sender_id } => {
            let by_sender = sender_id.map(|id| format!("{BY_SENDER_ID}{id}"));
            let wanted = by_sender.or(id).unwrap_or_default();
            trace(context, &wanted).await
        }
    }
}

async fn list(context: &mut Context, query: &DeliveryQuery) -> Result<Answer, Failure> {
    let answered =
        context.client.get::<Page<DeliveryRow>>(Route::DeliveryList, None, query).await?;
    let page = answered.value;
    let row = |row: &DeliveryRow| {
        let id = match &row.delivery {
            Some(id) => Cell::id(id),
            None => Cell::id(&row.request).tone(Tone::Dim),
        };
        let times = if row.count > 1 { format!(" ×{}", count(row.count)) } else { String::new() };
        let why = row.reason.as_ref().map(|reason| match row.fault {
            Some(fault) => format!("{fault} {reason}{times}"),
            None => format!("{reason}{times}"),
        });
        let cells = vec![
            Cell::pair(context.zone.second(row.received), row.received.to_string()),
            id,
            Cell::optional(row.sender.map(|sender| sender.to_string())),
            Cell::text(word(row.result)).tone(tone(row.result)),
            Cell::optional(row.class.map(|class| class.to_string())),
            Cell::count(row.recipients),
            Cell::bytes(row.bytes),
            Cell::optional(why),
            Cell::optional(row.dispatcher.map(|organisation| organisation.to_string())),
        ];
        (cells, value(row))
    };
    let table = Table {
        columns: vec![
            Column::text("time", "TIME"),
            Column::text("delivery", "DELIVERY"),
            Column::text("sender", "SENDER"),
            Column::text("result", "RESULT"),
            Column::figure("class", "CLASS").drop(),
            Column::figure("recipients", "TO").drop(),
            Column::figure("size", "SIZE").drop(),
            Column::text("why", "WHY").cut(),
            Column::text("dispatcher", "DISPATCHER").wide(),
        ],
        rows: page.rows.iter().map(row).collect(),
        id: "delivery",
        total: page.total,
        empty: "no delivery fits",
    };
    Ok(Answer::list("delivery.list", table, page.next).request(answered.request_id))
}

async fn trace(context: &mut Context, wanted: &str) -> Result<Answer, Failure> {
    let answered = context.client.get::<Trace>(Route::DeliveryTrace, Some(wanted), &()).await?;
    let trace = answered.value;
    let row = &trace.delivery;
    let id = row.delivery.map_or_else(|| row.request.to_string(), |id| id.to_string());
    let received = context.zone.milli(row.received);
    let mut answer =
        Answer::new("delivery.trace", value(&trace)).request(answered.request_id).id(&id);
    let mut pairs = vec![("Delivery", id)];
    if let Some(id) = row.delivery {
        pairs.push(("TransId", id.to_uuid()));
    }
    if !trace.sender_ids.is_empty() {
        pairs.push(("Sender's id", trace.sender_ids.join(", ")));
    }
    if let Some(sender) = row.sender {
        let through = row.dispatcher.filter(|dispatcher| *dispatcher != sender);
        let through = through.map(|dispatcher| format!(" through {dispatcher}"));
        pairs.push(("Sender", format!("{sender}{}", through.unwrap_or_default())));
    }
    let why = row.reason.as_ref().map(|reason| format!(": {reason}"));
    pairs.push((
        "Result",
        format!("{}{}, received {received}", word(row.result), why.unwrap_or_default()),
    ));
    pairs.push((
        "Size",
        format!("{} for {}", bytes(row.bytes), things(row.recipients, "recipient", "recipients")),
    ));
    let to: Vec<String> = trace.mailboxes.iter().map(|id| short_id(&id.to_string())).collect();
    if !to.is_empty() {
        pairs.push(("Mailboxes", to.join(", ")));
    }
    answer = answer.pairs(&pairs).line(Line::blank());
    for stage in &trace.stages {
        answer = answer.line(step(stage));
    }
    if trace.repeats > 0 {
        let at = trace.repeated.map(|at| format!(" at {}", context.zone.second(at)));
        let text = format!(
            "  resent {}{}, same content, same answer",
            things(trace.repeats, "time", "times"),
            at.unwrap_or_default()
        );
        answer = answer.line(Line::default().and(text, Tone::Dim));
    }
    let hint = trace.also.first().map(|other| {
        let (times, other) = (trace.also.len(), short_id(&other.to_string()));
        let others =
            things(u64::try_from(times).unwrap_or(u64::MAX), "other delivery", "other deliveries");
        format!("mbxctl delivery trace {other}      {others} carried the same id")
    });
    let hint = hint.or_else(|| {
        row.delivery
            .map(|id| format!("mbxctl audit search --subject {id}      every entry about it"))
    });
    Ok(match hint {
        Some(hint) => answer.hint(hint),
        None => answer,
    })
}

/// ` +10.9 ms  durable`.
fn step(stage: &Stage) -> Line {
    let at = stage.at_us.map(|us| format!("+{}.{} ms", us / 1000, us % 1000 / 100));
    let at = at.unwrap_or_else(|| "–".to_owned());
    let line = Line::default().and(format!("{at:>11}  "), Tone::Dim);
    let line = line.and(format!("{:10}", stage.name), Tone::Plain);
    match &stage.detail {
        Some(detail) => line.and(format!(" {detail}"), Tone::Plain),
        None => line,
    }
}

const fn word(result: DeliveryResult) -> &'static str {
    match result {
        DeliveryResult::Accepted => "accepted",
        DeliveryResult::Refused => "refused",
        DeliveryResult::Repeated => "repeated",
        DeliveryResult::NotDeliverable => "no such recipient",
    }
}

const fn tone(result: DeliveryResult) -> Tone {
    match result {
        DeliveryResult::Accepted => Tone::Ok,
        DeliveryResult::Refused => Tone::Wrong,
        DeliveryResult::Repeated => Tone::Dim,
        DeliveryResult::NotDeliverable => Tone::Attention,
    }
}
