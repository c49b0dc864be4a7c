//! `hsm`: the token's state, its unlocking, its compatibility sheet.

use super::offline::finding;
use super::status::tone;
use crate::cli::HsmCommand;
use crate::client::Changed;
use crate::context::{Context, changed, value};
use crate::failure::Failure;
use crate::output::figure::{count, span_s, things};
use crate::output::{Answer, Line, Tone};
use mbx_common::control::Level;
use mbx_common::control::hsm::{HsmState, HsmStatus, PinRequest, TestSheet};
use mbx_common::control::route::Route;

/// `hsm …`.
pub(super) async fn run(context: &mut Context, command: HsmCommand) -> Result<Answer, Failure> {
    match command {
        HsmCommand::Status => {
            let answered = context.client.get::<HsmStatus>(Route::HsmStatus, None, &()).await?;
            Ok(status(&answered.value).request(answered.request_id))
        }
        HsmCommand::Login { pin_file } => {
            context.confirm(
                "Give the token its PIN? It is tried once; tokens lock after a few wrong ones.",
            )?;
            let pin = context.prompt.secret("PIN", pin_file.as_deref(), "--pin-file FILE")?;
            let done: Changed<HsmStatus> =
                context.client.change(Route::HsmLogin, None, &PinRequest { pin }).await?;
            Ok(changed("hsm.login", done, |answer, done| {
                let text = format!("{} {}", done.token, words(done.state));
                let well = done.state == HsmState::Ready;
                let tone = if well { Tone::Ok } else { Tone::Attention };
                answer.line(Line::signed(tone, text)).exit(if well { 0 } else { 2 })
            }))
        }
        HsmCommand::Logout => {
            context.confirm(
                "Lock the token? Holders cannot read until it is unlocked; deliveries go on.",
            )?;
            let done: Changed<HsmStatus> =
                context.client.change(Route::HsmLogout, None, &serde_json::json!({})).await?;
            Ok(changed("hsm.logout", done, |answer, done| {
                let text = format!("{} locked, every opened key wiped", done.token);
                answer.line(Line::signed(Tone::Ok, text)).hint("mbxctl hsm login")
            }))
        }
        HsmCommand::Test => {
            let answered = context
                .client
                .send_body::<TestSheet>(Route::HsmTest, None, &serde_json::json!({}))
                .await?;
            Ok(sheet(&answered.value).request(answered.request_id))
        }
    }
}

fn status(status: &HsmStatus) -> Answer {
    let level = match status.state {
        HsmState::Ready => Level::Ok,
        HsmState::Locked => Level::Attention,
        HsmState::PinRejected | HsmState::PinLocked | HsmState::Down | HsmState::PolicyViolated => {
            Level::Wrong
        }
    };
    let title = format!("{} {} for {}", status.token, words(status.state), span_s(status.since_s));
    let mut pairs = vec![
        ("  Serial", status.serial.clone()),
        ("  Model", status.model.clone()),
        ("  Opened", format!("{} since the start", things(status.epoch, "time", "times"))),
        (
            "  Queue",
            format!(
                "{} waiting, {} workers lost",
                count(status.queue_len),
                count(status.workers_lost)
            ),
        ),
    ];
    if let Some(cause) = &status.cause {
        pairs.push(("  Cause", cause.clone()));
    }
    if !status.missing.is_empty() {
        pairs.push(("  Missing", status.missing.join(", ")));
    }
    if let Some(seconds) = status.next_try_s {
        pairs.push(("  Next try", format!("in {}", span_s(seconds))));
    }
    let opened: Vec<String> = status
        .opened
        .iter()
        .filter(|opened| opened.count > 0)
        .map(|opened| format!("{} {}", opened.purpose, count(opened.count)))
        .collect();
    if !opened.is_empty() {
        pairs.push(("  Secrets", opened.join(" · ")));
    }
    let answer = Answer::new("hsm.status", value(status));
    let answer =
        answer.line(Line::signed(tone(level), title)).pairs(&pairs).exit(level.exit_code());
    match status.state {
        HsmState::Ready => answer,
        HsmState::Locked | HsmState::PinRejected => answer.hint("mbxctl hsm login"),
        HsmState::PinLocked => answer.hint("mbxctl explain MBX-3003"),
        HsmState::Down | HsmState::PolicyViolated => answer.hint("mbxctl hsm test"),
    }
}

fn sheet(sheet: &TestSheet) -> Answer {
    let mut answer = Answer::new("hsm.test", value(sheet)).line(Line::plain(sheet.token.clone()));
    let width = sheet.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    for check in &sheet.checks {
        let rate = check.per_s.map(|rate| format!("   {}/s", count(rate)));
        let needed = if check.needed { "" } else { "   (not needed here)" };
        let text = format!("{}{}{needed}", check.detail, rate.unwrap_or_default());
        let tone =
            if check.needed || check.level == Level::Ok { tone(check.level) } else { Tone::Dim };
        answer = answer.line(finding(tone, &check.name, width, &text));
    }
    if sheet.usable {
        answer.line(Line::signed(Tone::Ok, "usable with the configured profile"))
    } else {
        answer.line(Line::signed(Tone::Wrong, "not usable with the configured profile")).exit(1)
    }
}

/// A state in words.
pub(super) const fn words(state: HsmState) -> &'static str {
    match state {
        HsmState::Ready => "ready",
        HsmState::Locked => "locked",
        HsmState::PinRejected => "PIN rejected",
        HsmState::PinLocked => "PIN locked",
        HsmState::Down => "not answering",
        HsmState::PolicyViolated => "breaks the policy",
    }
}
