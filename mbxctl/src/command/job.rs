//! `job`: long work in the daemon.

use crate::cli::JobCommand;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::follow::follow;
use crate::output::figure::{bytes, count, short_id, things};
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Page;
use mbx_common::control::job::{Job, JobQuery, JobState};
use mbx_common::control::mailbox::Verified;
use mbx_common::control::route::Route;
use mbx_common::id::JobId;
use serde_json::json;

/// `job …`.
pub(super) async fn run(context: &mut Context, command: JobCommand) -> Result<Answer, Failure> {
    match command {
        JobCommand::List { state } => {
            let query = JobQuery {
                state: state.as_deref().and_then(state_of),
                limit: Some(context.limit()),
                after: context.after(),
            };
            list(context, &query).await
        }
        JobCommand::Show { job } => {
            let answered = context.client.get::<Job>(Route::JobShow, Some(&job), &()).await?;
            Ok(show(context, "job.show", &answered.value).request(answered.request_id))
        }
        JobCommand::Follow { job } => {
            let job = follow(context, &job).await?;
            Ok(ended(context, "job.follow", &job))
        }
    }
}

/// A job that a command started: followed to its end, or named with `--no-wait`.
pub(super) async fn started(
    context: &mut Context,
    job: JobId,
    schema: &'static str,
) -> Result<Answer, Failure> {
    if context.global.no_wait {
        let short = short_id(&job.to_string());
        return Ok(Answer::new(schema, json!({"job": job}))
            .line(Line::signed(Tone::Dim, format!("Started {short}")))
            .id(job)
            .hint(format!("mbxctl job follow {short}")));
    }
    let job = follow(context, &job.to_string()).await?;
    Ok(ended(context, schema, &job))
}

async fn list(context: &mut Context, query: &JobQuery) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<Job>>(Route::JobList, None, query).await?;
    let page = answered.value;
    let row = |job: &Job| {
        let total = job.total.map(|total| format!(" / {}", count(total)));
        let cells = vec![
            Cell::id(&job.job),
            Cell::text(job.what.clone()),
            Cell::text(word(job.state)).tone(tone(job.state)),
            Cell::pair(
                format!("{}{}", count(job.done), total.unwrap_or_default()),
                job.done.to_string(),
            ),
            Cell::text(job.by.clone()),
            Cell::pair(context.zone.second(job.started), job.started.to_string()),
        ];
        (cells, value(job))
    };
    let table = Table {
        columns: vec![
            Column::text("job", "JOB"),
            Column::text("what", "WHAT").cut(),
            Column::text("state", "STATE"),
            Column::figure("done", "DONE"),
            Column::text("by", "BY").drop(),
            Column::text("started", "STARTED"),
        ],
        rows: page.rows.iter().map(row).collect(),
        id: "job",
        total: page.total,
        empty: "no job fits",
    };
    Ok(Answer::list("job.list", table, page.next).request(answered.request_id))
}

fn show(context: &Context, schema: &'static str, job: &Job) -> Answer {
    let total = job.total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
    let mut pairs = vec![
        ("Job", job.job.to_string()),
        ("What", job.what.clone()),
        ("State", word(job.state).to_owned()),
        ("Done", format!("{}{total}, {} failed", count(job.done), count(job.failed))),
        ("By", job.by.clone()),
        ("Started", context.zone.minute(job.started)),
        ("Updated", context.zone.minute(job.updated)),
    ];
    if let Some(outcome) = &job.outcome {
        pairs.push(("Outcome", outcome.clone()));
    }
    let answer = Answer::new(schema, value(job)).pairs(&pairs).id(job.job);
    if let Some(verified) = &job.verified {
        found(answer.line(Line::blank()), verified)
    } else if job.state.is_final() {
        answer
    } else {
        let short = short_id(&job.job.to_string());
        if job.state == JobState::Waiting {
            answer.hint(format!("the same {} once more with --resume sends the rest", job.what))
        } else {
            answer.hint(format!("mbxctl job follow {short}"))
        }
    }
}

/// What verifying found: 1 where something is not as it should be.
fn found(answer: Answer, verified: &Verified) -> Answer {
    let facts = format!(
        "{}, {}, {}",
        things(verified.mailboxes, "mailbox", "mailboxes"),
        things(verified.messages, "message", "messages"),
        bytes(verified.bytes)
    );
    if verified.findings_total == 0 {
        return answer.line(Line::signed(Tone::Ok, format!("Sound: {facts}")));
    }
    let findings = format!("{} in {facts}", things(verified.findings_total, "finding", "findings"));
    let mut answer = answer.line(Line::signed(Tone::Wrong, findings)).exit(1);
    for finding in &verified.findings {
        let names = [
            finding.mailbox.map(|id| id.to_string()),
            finding.message.map(|id| id.to_string()),
            finding.delivery.map(|id| id.to_string()),
        ];
        let names: Vec<String> = names.into_iter().flatten().collect();
        let text = format!("  {}  {}", names.join(" "), finding.what);
        answer = answer.line(Line::plain(text));
    }
    let listed = u64::try_from(verified.findings.len()).unwrap_or(u64::MAX);
    let more = verified.findings_total.saturating_sub(listed);
    if more > 0 {
        let text = format!("  {} more: the daemon's journal has them", count(more));
        answer = answer.line(Line::default().and(text, Tone::Dim));
    }
    answer.hint("mbxctl explain MBX-5003")
}

/// A job at its end: 0 where all went well, 3 where steps failed, 1 where the job did.
fn ended(context: &Context, schema: &'static str, job: &Job) -> Answer {
    if let Some(verified) = &job.verified {
        return found(Answer::new(schema, value(job)).id(job.job), verified);
    }
    let exit = match (job.state, job.failed) {
        (JobState::Done, 0) => 0,
        (JobState::Done, _) => 3,
        _ => 1,
    };
    let title = format!("{} {}", job.what, word(job.state));
    let mut answer = Answer::new(schema, value(job)).id(job.job).exit(exit);
    answer = answer.line(Line::signed(tone(job.state), title));
    let text = job.outcome.clone().unwrap_or_else(|| {
        format!(
            "{} done, {} failed, since {}",
            count(job.done),
            count(job.failed),
            context.zone.minute(job.started)
        )
    });
    answer.line(Line::plain(format!("  {text}")))
}

fn state_of(text: &str) -> Option<JobState> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

const fn word(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waiting",
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

const fn tone(state: JobState) -> Tone {
    match state {
        JobState::Waiting | JobState::Running => Tone::Plain,
        JobState::Paused => Tone::Attention,
        JobState::Done => Tone::Ok,
        JobState::Failed => Tone::Wrong,
        JobState::Cancelled => Tone::Dim,
    }
}
