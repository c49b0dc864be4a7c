//! Audit entries for people: rows of a table, lines of a tail.

use crate::context::{Context, value};
use crate::output::{Cell, Column, Table, Tone};
use mbx_common::control::audit::AuditRow;

/// The entries as a table.
pub(super) fn table(context: &Context, rows: &[AuditRow], total: Option<u64>) -> Table {
    Table {
        columns: vec![
            Column::text("time", "TIME"),
            Column::text("event", "EVENT"),
            Column::text("actor", "ACTOR").cut(),
            Column::text("role", "ROLE").drop(),
            Column::text("subject", "SUBJECT"),
            Column::text("result", "RESULT"),
            Column::text("detail", "DETAIL").cut(),
            Column::figure("position", "POSITION").wide(),
            Column::text("peer", "PEER").wide(),
            Column::text("session", "SESSION").wide(),
            Column::text("request", "REQUEST").wide(),
        ],
        rows: rows.iter().map(|row| (cells(context, row), value(row))).collect(),
        id: "position",
        total,
        empty: "no entry fits",
    }
}

fn cells(context: &Context, row: &AuditRow) -> Vec<Cell> {
    let subject = match row.subjects.as_slice() {
        [] => Cell::none(),
        [one] => Cell::id(one),
        [first, rest @ ..] => {
            let short = crate::output::figure::short_id(first);
            Cell::pair(format!("{short} +{}", rest.len()), row.subjects.join(" "))
        }
    };
    let tone = match row.result.as_str() {
        "done" => Tone::Plain,
        "asked" => Tone::Attention,
        _ => Tone::Wrong,
    };
    vec![
        Cell::pair(context.zone.second(row.time), row.time.to_string()),
        Cell::text(row.event.clone()),
        Cell::pair(crate::output::figure::short_id(&row.actor), row.actor.clone()),
        Cell::optional(row.role.clone()),
        subject,
        Cell::text(row.result.clone()).tone(tone),
        Cell::pair(detail(row, short_fact), detail(row, str::to_owned)),
        Cell::text(row.position.to_string()),
        Cell::optional(row.peer.clone()),
        Cell::optional(row.session.clone()),
        Cell::optional(row.request.clone()),
    ]
}

/// A fact with its digest cut to 8 digits.
fn short_fact(fact: &str) -> String {
    match fact.split_once(' ') {
        Some((name, value)) if value.len() == 64 => {
            format!("{name} {}", value.chars().take(8).collect::<String>())
        }
        _ => fact.to_owned(),
    }
}

/// Title, reason, ticket and facts in one cell.
fn detail(row: &AuditRow, fact: impl Fn(&str) -> String) -> String {
    let mut parts = vec![row.title.clone()];
    parts.extend(row.reason.clone());
    parts.extend(row.ticket.as_ref().map(|ticket| format!("ticket {ticket}")));
    parts.extend(row.facts.iter().map(|text| fact(text)));
    parts.join(" · ")
}
