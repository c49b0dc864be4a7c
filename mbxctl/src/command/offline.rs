//! What needs no daemon: `explain`, `help`, `completion`, the catalogue of events.

use crate::cli;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::audit::Event;
use mbx_common::error::Code;
use mbx_common::explain;
use serde_json::json;

/// `explain CODE`.
pub(super) fn explain(code: &str) -> Result<Answer, Failure> {
    if let Some(event) = event(code) {
        return Ok(show_event(event));
    }
    let entry = code.parse::<Code>().ok().and_then(explain::of).ok_or_else(|| {
        Failure::here(explain::NOT_FOUND, format!("there is no code {code}"))
            .with_hint("codes are written MBX-2041; audit events MBX-A201: mbxctl audit event list")
    })?;
    let kind = serde_json::to_value(entry.kind).unwrap_or_default();
    let data = json!({
        "code": entry.code.to_string(), "kind": kind, "title": entry.title,
        "why": entry.why, "next": entry.next, "command": entry.hint,
    });
    let exit = Failure::here(entry.code, "").exit_code();
    let mut answer = Answer::new("explain", data)
        .line(Line::plain(format!("{}  {}", entry.code, entry.title)))
        .line(Line::blank())
        .pairs(&[
            ("Why", entry.why.to_owned()),
            ("Next", entry.next.to_owned()),
            ("Exit", exit.to_string()),
        ]);
    if let Some(hint) = entry.hint {
        answer = answer.hint(hint);
    }
    Ok(answer)
}

/// `audit event list`.
pub(super) fn event_list() -> Answer {
    let row = |event: &Event| {
        let data = json!({"code": event.to_string(), "title": event.title()});
        (vec![Cell::text(event.to_string()), Cell::text(event.title())], data)
    };
    let table = Table {
        columns: vec![Column::text("code", "CODE"), Column::text("title", "EVENT")],
        rows: Event::ALL.iter().map(row).collect(),
        id: "code",
        total: u64::try_from(Event::ALL.len()).ok(),
        empty: "",
    };
    Answer::list("audit.event.list", table, None)
}

/// `audit event show CODE`.
pub(super) fn event_show(code: &str) -> Result<Answer, Failure> {
    event(code).map(show_event).ok_or_else(|| {
        Failure::here(explain::NOT_FOUND, format!("there is no event {code}"))
            .with_hint("mbxctl audit event list")
    })
}

fn show_event(event: Event) -> Answer {
    let code = event.to_string();
    Answer::new("audit.event.show", json!({"code": code, "title": event.title()}))
        .line(Line::plain(format!("{code}  {}", event.title())))
        .id(&code)
        .hint(format!("mbxctl audit search --event {code}"))
}

/// Reads `MBX-A201` or `A201`.
fn event(code: &str) -> Option<Event> {
    let digits = code.strip_prefix("MBX-").unwrap_or(code).strip_prefix('A')?;
    Event::from_code(digits.parse().ok()?)
}

/// `help [COMMAND…]`.
pub(super) fn help(context: &Context, path: &[String]) -> Result<Answer, Failure> {
    let mut command = cli::command();
    command.build();
    let mut at = &mut command;
    for word in path {
        at = at.find_subcommand_mut(word).ok_or_else(|| {
            Failure::here(explain::USAGE, format!("there is no command {}", path.join(" ")))
                .with_hint("mbxctl help")
        })?;
    }
    let text = at.render_long_help().to_string();
    context.screen.now(&context.screen.out.spell(&text))?;
    Err(Failure::Told(0))
}

/// `completion SHELL`.
pub(super) fn completion(
    context: &Context,
    shell: clap_complete::Shell,
) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "mbxctl", &mut script);
    context.screen.now(&String::from_utf8_lossy(&script))?;
    Err(Failure::Told(0))
}

/// A check or step for people: its sign, a name, what was found.
pub(super) fn finding(tone: Tone, name: &str, width: usize, text: &str) -> Line {
    Line::plain("  ").sign(tone).and(format!("{name:width$}  "), Tone::Plain).and(text, Tone::Plain)
}
