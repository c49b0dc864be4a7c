//! `status`, and `mbxctl` alone.

use super::offline::finding;
use crate::cli::StatusArgs;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::figure::{bytes, count, millis, span_s, things};
use crate::output::{Answer, Line, Tone};
use mbx_common::control::Level;
use mbx_common::control::hsm::HsmState;
use mbx_common::control::route::Route;
use mbx_common::control::status::{Phase, Status};
use mbx_common::explain;
use std::time::Duration;

/// How often `--watch` asks.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// `mbxctl` alone: five lines, and where to go next.
pub(super) async fn short(context: &mut Context) -> Result<Answer, Failure> {
    let answered = ask(context).await.map_err(|failure| match failure.code() {
        explain::NO_DAEMON => failure.with_hint("mbxctl doctor, or mbxctl --help"),
        _ => failure,
    })?;
    let status = answered.value;
    let answer = Answer::new("status", value(&status)).request(answered.request_id);
    let answer = abilities(answer.line(heading(context, &status)), context, &status);
    let parts = parts(context, &status);
    let worst = parts.iter().filter(|part| part.level != Level::Ok).map(|part| part.name);
    let worst: Vec<&str> = worst.collect();
    let (tone, text) = if worst.is_empty() {
        (Tone::Ok, "all parts well".to_owned())
    } else {
        (tone(status.worst()), format!("look at: {}", worst.join(", ")))
    };
    let answer = answer.line(finding(tone, "parts", 8, &text));
    let answer = next(answer, &status).hint("mbxctl status      every part");
    Ok(answer.hint("mbxctl help        every command").exit(status.worst().exit_code()))
}

/// `status`.
pub(super) async fn run(context: &mut Context, arguments: &StatusArgs) -> Result<Answer, Failure> {
    if arguments.watch {
        return watch(context, arguments).await;
    }
    let answered = ask(context).await?;
    Ok(show(context, &answered.value, arguments).request(answered.request_id))
}

async fn watch(context: &mut Context, arguments: &StatusArgs) -> Result<Answer, Failure> {
    let mut interrupt = Interrupt::listen()?;
    loop {
        let answered = ask(context).await?;
        let answer = show(context, &answered.value, arguments).request(answered.request_id);
        let clear = context.screen.out.width.is_some() && !context.screen.format.is_machine();
        if clear && !context.screen.now("\u{1b}[H\u{1b}[2J")? {
            return Err(Failure::Told(0));
        }
        let exit = context.screen.answer(answer)?;
        tokio::select! {
            () = tokio::time::sleep(WATCH_EVERY) => {}
            () = interrupt.pressed() => return Err(Failure::Told(exit)),
        }
    }
}

async fn ask(context: &mut Context) -> Result<crate::client::Answered<Status>, Failure> {
    context.client.get(Route::Status, None, &()).await
}

fn show(context: &Context, status: &Status, arguments: &StatusArgs) -> Answer {
    let answer = Answer::new("status", value(status));
    if let Some(ability) = arguments.ability.as_deref() {
        let lines = ability_lines(context, status);
        let wanted = lines.into_iter().find(|(name, _, _)| *name == ability);
        let (name, level, text) = wanted.unwrap_or(("", Level::Wrong, String::new()));
        return answer.line(finding(tone(level), name, 8, &text)).exit(level.exit_code());
    }
    let answer = answer.line(heading(context, status)).line(Line::blank());
    let mut answer = abilities(answer, context, status).line(Line::blank());
    for part in parts(context, status) {
        let line = Line::plain(format!("  {:8} ", part.name)).sign(tone(part.level));
        answer = answer.line(line.and(part.text, Tone::Plain));
    }
    next(answer, status).exit(status.worst().exit_code())
}

fn heading(context: &Context, status: &Status) -> Line {
    let up = span_s(status.time.since(status.started) / 1000);
    let phase = match status.phase {
        Phase::Uninitialised => " · not set up",
        Phase::Locked => " · locked",
        Phase::Open => "",
    };
    let at = context.zone.minute(status.time);
    Line::plain(format!("mbxd {} on {} · up {up}{phase} · {at}", status.version, status.host))
}

fn abilities(answer: Answer, context: &Context, status: &Status) -> Answer {
    ability_lines(context, status).into_iter().fold(answer, |answer, (name, level, text)| {
        answer.line(finding(tone(level), name, 8, &text))
    })
}

fn ability_lines(context: &Context, status: &Status) -> [(&'static str, Level, String); 3] {
    let zone = &context.zone;
    let deliver = &status.deliver;
    let mut deliver_facts = vec![format!("{}/min", count(deliver.accepted_per_min))];
    deliver_facts.extend(deliver.median_us.map(|us| format!("median {}", millis(us))));
    deliver_facts.push(match deliver.last_refused {
        Some(at) => {
            format!("last refused {} ({} today)", zone.clock(at), count(deliver.refused_today))
        }
        None => format!("{} refused today", count(deliver.refused_today)),
    });
    let read = &status.read;
    let mut read_facts = vec![things(read.open_mailboxes, "open mailbox", "open mailboxes")];
    read_facts
        .extend(read.cached_until.map(|at| format!("served from cache until {}", zone.clock(at))));
    let admin = &status.admin;
    let mut admin_facts = vec![format!("{} logged in", count(admin.sessions))];
    if admin.jobs_running > 0 {
        admin_facts.push(things(admin.jobs_running, "job running", "jobs running"));
    }
    if admin.approvals_waiting > 0 {
        admin_facts.push(things(admin.approvals_waiting, "approval waiting", "approvals waiting"));
    }
    [
        (
            "deliver",
            deliver.level,
            ability(deliver.level, deliver.reason.as_deref(), &deliver_facts),
        ),
        ("read", read.level, ability(read.level, read.reason.as_deref(), &read_facts)),
        ("admin", admin.level, ability(admin.level, admin.reason.as_deref(), &admin_facts)),
    ]
}

/// `degraded   HSM not answering; 1 912 open mailboxes`.
fn ability(level: Level, reason: Option<&str>, facts: &[String]) -> String {
    let word = match level {
        Level::Ok => "ok",
        Level::Attention => "degraded",
        Level::Wrong => "down",
    };
    let facts = facts.join(" · ");
    let text = reason.map_or_else(|| facts.clone(), |reason| format!("{reason}; {facts}"));
    format!("{word:10} {text}")
}

struct Part {
    name: &'static str,
    level: Level,
    text: String,
}

fn parts(context: &Context, status: &Status) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(hsm) = &status.hsm {
        let next = hsm.next_try_s.map(|s| format!(", next attempt in {}", span_s(s)));
        let text = format!(
            "{} {} for {}{}",
            hsm.token,
            super::hsm::words(hsm.state),
            span_s(hsm.since_s),
            next.unwrap_or_default()
        );
        let text = if hsm.state == HsmState::Ready { format!("{} ready", hsm.token) } else { text };
        parts.push(Part { name: "HSM", level: hsm.level, text });
    }
    let store = &status.store;
    let all = store.used_bytes.saturating_add(store.free_bytes).max(1);
    let free_pct = u128::from(store.free_bytes) * 100 / u128::from(all);
    let text = format!("{} used, {free_pct} % free", bytes(store.used_bytes));
    parts.push(Part { name: "Store", level: store.level, text });
    let audit = &status.audit;
    let checkpoint = audit.checkpoint.map_or_else(
        || "no checkpoint yet".to_owned(),
        |at| format!("checkpoint {}", context.zone.clock(at)),
    );
    let text = format!(
        "{} entries, {checkpoint}, {} after it",
        count(audit.entries),
        count(audit.unsigned_entries)
    );
    let reason = audit.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    parts.push(Part { name: "Audit", level: audit.level, text: text + &reason });
    if let Some(certificates) = &status.certificates {
        let days = certificates.not_after.since(status.time) / 86_400_000;
        let crls = match certificates.stale_crls {
            0 => String::new(),
            stale => format!(" · {} revocation lists too old", count(stale)),
        };
        let text = format!("{} ends first, in {days} d{crls}", certificates.name);
        parts.push(Part { name: "Certs", level: certificates.level, text });
    }
    parts
}

fn next(answer: Answer, status: &Status) -> Answer {
    match &status.next {
        Some(step) => {
            let code = step.code.map(|code| format!("   ({code})")).unwrap_or_default();
            answer.hint(format!("{}      {}{code}", step.command, step.why))
        }
        None => answer,
    }
}

/// The tone of a level.
pub(super) const fn tone(level: Level) -> Tone {
    match level {
        Level::Ok => Tone::Ok,
        Level::Attention => Tone::Attention,
        Level::Wrong => Tone::Wrong,
    }
}
