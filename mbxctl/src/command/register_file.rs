//! `user register --from-file`: every row of a CSV file, in batches, as a resumable job.

use crate::cli::RegisterArgs;
use crate::context::{Context, plan, value};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::figure::{count, short_id};
use crate::output::progress::Meter;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::Plan;
use mbx_common::control::route::Route;
use mbx_common::control::user::{
    BatchDone, NumberText, RefusedRow, Registration, RegistrationBatch,
};
use mbx_common::explain;
use mbx_common::id::write_hex;
use mbx_common::limit::REGISTER_BATCH_ROWS_MAX;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use zeroize::Zeroizing;

/// The columns of a registration file, in order.
const HEADING: [&str; 6] = ["number", "kind", "accepted_at", "terms", "loa", "reference"];

/// Largest registration file, in bytes: a million rows with room to spare.
const FILE_LEN_MAX: u64 = 256 * 1024 * 1024;

/// Refused rows that are shown; the others are counted.
const REFUSED_SHOWN_MAX: usize = 100;

/// One row as the file has it: every field as text, so that an error can name its field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: NumberText,
    kind: String,
    accepted_at: String,
    terms: String,
    loa: String,
    reference: String,
}

/// Registers the file's rows.
pub(super) async fn run(
    context: &mut Context,
    path: &Path,
    arguments: &RegisterArgs,
) -> Result<Answer, Failure> {
    let bytes = read(path)?;
    let digest: [u8; 32] = Sha256::digest(&*bytes).into();
    let rows = parse(&bytes, arguments.no_registry)?;
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if context.global.dry_run {
        return Ok(planned(path, total));
    }
    let batch = |first_row: u64, rows: Vec<Registration>| RegistrationBatch {
        file_sha256: Hex(&digest).to_string(),
        rows_total: total,
        first_row,
        rows,
    };
    let mut at =
        if arguments.resume { ask(context, &batch(0, Vec::new())).await?.next_row } else { 0 };
    let mut interrupt = Interrupt::listen()?;
    let mut meter = Meter::new(&context.screen, context.settings.progress, "registering");
    let mut refused: Vec<RefusedRow> = Vec::new();
    let mut last: Option<BatchDone> = None;
    while at < total {
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        let part: Vec<Registration> =
            rows.iter().skip(from).take(REGISTER_BATCH_ROWS_MAX).cloned().collect();
        let request = batch(at, part);
        let done = tokio::select! {
            done = ask(context, &request) => done,
            () = interrupt.pressed() => {
                meter.end();
                return Err(stopped(context, path));
            }
        };
        let done = done.map_err(|failure| {
            meter.end();
            interrupted(failure, path)
        })?;
        if done.next_row <= at {
            meter.end();
            return Err(Failure::here(explain::INTERNAL, "the daemon did not go on with the file"));
        }
        at = done.next_row;
        refused.extend(done.refused.iter().cloned());
        meter.step(&context.screen, at, Some(total));
        last = Some(done);
    }
    meter.end();
    let last = match last {
        Some(done) => done,
        None => ask(context, &batch(total, Vec::new())).await?,
    };
    Ok(show(&last, refused, total))
}

/// What would be done with a file whose form is sound. Each row is judged when it is sent: to judge
/// it before would be to look up everybody in it.
fn planned(path: &Path, total: u64) -> Answer {
    let steps = vec![
        format!("begin a job for the {} rows of {}", count(total), path.display()),
        format!(
            "register them in batches of {REGISTER_BATCH_ROWS_MAX}, each row judged as it comes"
        ),
        "leave the address register untold".to_owned(),
    ];
    let digest: [u8; 32] = Sha256::digest(steps.join("\n")).into();
    plan(&Plan { hash: Hex(&digest).to_string(), steps })
}

async fn ask(context: &mut Context, batch: &RegistrationBatch) -> Result<BatchDone, Failure> {
    let answered = context.client.send_body::<BatchDone>(Route::UserBatch, None, batch).await?;
    Ok(answered.value)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let missing = |error: std::io::Error| {
        Failure::here(explain::INPUT_MISSING, format!("{}: {error}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(missing)?.len();
    if length > FILE_LEN_MAX {
        let message = format!("{} is larger than 256 MiB; split it", path.display());
        return Err(Failure::here(explain::INPUT_INVALID, message));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(missing)
}

/// Reads every row before the first is sent, so that a form error registers nobody.
fn parse(bytes: &[u8], no_registry: bool) -> Result<Vec<Registration>, Failure> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    if reader.headers().is_ok_and(|heading| heading.iter().ne(HEADING)) {
        let message = format!("the heading must be {}; nobody was registered", HEADING.join(","));
        return Err(Failure::here(explain::INPUT_INVALID, message));
    }
    let row = |(index, row): (usize, Result<Row, csv::Error>)| {
        let line = index.saturating_add(2);
        let row = row.map_err(|error| bad_row(line, &form(&error)))?;
        registration(row, no_registry)
            .map_err(|field| bad_row(line, &format!("{field} cannot be read")))
    };
    reader.deserialize::<Row>().enumerate().map(row).collect()
}

/// The row's registration; an error is the name of the field that cannot be read.
fn registration(row: Row, no_registry: bool) -> Result<Registration, &'static str> {
    let present = |text: String| Some(text).filter(|text| !text.is_empty());
    let kind = present(row.kind).map(|text| text.parse().map_err(|_| "kind")).transpose()?;
    let accepted_at =
        present(row.accepted_at).map(|text| text.parse().map_err(|_| "accepted_at")).transpose()?;
    Ok(Registration {
        number: row.number,
        kind,
        terms: present(row.terms),
        accepted_at,
        loa: row.loa.parse().map_err(|_| "loa")?,
        reference: present(row.reference),
        no_registry,
    })
}

/// What is wrong with a row, without repeating any of it.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
fn form(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields instead of {expected_len}")
        }
        _ => "the row cannot be read".to_owned(),
    }
}

fn bad_row(line: usize, why: &str) -> Failure {
    Failure::here(explain::INPUT_INVALID, format!("line {line}: {why}; nobody was registered"))
}

fn show(last: &BatchDone, refused: Vec<RefusedRow>, total: u64) -> Answer {
    let job = short_id(&last.job.to_string());
    let failed = last.next_row.saturating_sub(last.registered);
    let listed = u64::try_from(refused.len()).unwrap_or(u64::MAX);
    let summary = BatchDone { refused, ..last.clone() };
    let (tone, exit) = if failed == 0 { (Tone::Ok, 0) } else { (Tone::Attention, 3) };
    let text = format!(
        "Registered {} of {} rows, {} refused   {job}",
        count(last.registered),
        count(total),
        count(failed)
    );
    let mut answer =
        Answer::new("user.batch", value(&summary)).line(Line::signed(tone, text)).id(last.job);
    answer = answer.line(Line::default().and("  address register: not told", Tone::Dim));
    if failed > listed {
        let text = format!("  {} were named when their batch was sent", count(failed - listed));
        answer = answer.line(Line::default().and(text, Tone::Dim));
    }
    if listed > 0 {
        answer = answer.line(Line::blank()).table(refused_table(&summary.refused));
        answer = answer.hint(
            "mend these lines and give them in a file of their own   (mbxctl explain MBX-4007)",
        );
    }
    answer.exit(exit)
}

fn refused_table(refused: &[RefusedRow]) -> Table {
    let row = |row: &RefusedRow| {
        let cells = vec![
            Cell::count(row.row.saturating_add(2)),
            Cell::text(row.code.to_string()),
            Cell::text(row.reason.clone()),
        ];
        (cells, value(row))
    };
    Table {
        columns: vec![
            Column::figure("line", "LINE"),
            Column::text("code", "CODE"),
            Column::text("reason", "REASON").cut(),
        ],
        rows: refused.iter().take(REFUSED_SHOWN_MAX).map(row).collect(),
        id: "line",
        total: u64::try_from(refused.len()).ok(),
        empty: "",
    }
}

/// How a file goes on.
fn resume(path: &Path) -> String {
    format!("mbxctl user register --from-file {} --resume", path.display())
}

/// A failure between two batches: where it is not the file's fault, it says how to go on.
fn interrupted(failure: Failure, path: &Path) -> Failure {
    match failure.exit_code() {
        65 | 77 => failure,
        _ => failure.with_hint(format!("{}      when that is mended", resume(path))),
    }
}

fn stopped(context: &Context, path: &Path) -> Failure {
    let hint = resume(path);
    if context.screen.format.is_machine() {
        return Failure::here(explain::STOPPED, "stopped between two batches").with_hint(hint);
    }
    let line = Line::default().sign(Tone::Dim);
    context.screen.say(&line.and(format!("Stopped between two batches.   → {hint}"), Tone::Plain));
    Failure::Told(130)
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_hex(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "number,kind,accepted_at,terms,loa,reference\n";

    #[test]
    fn rows_are_read_with_empty_fields_left_away() {
        let text = format!(
            "{TITLE}191212121212,person,2026-11-24T03:44:00Z,2026-05,3,prt_1\n162021004748,,,,2,\n"
        );
        let rows = parse(text.as_bytes(), true).unwrap();
        assert_eq!(rows[0].terms.as_deref(), Some("2026-05"));
        assert_eq!((rows[1].kind, rows[1].terms.as_deref()), (None, None));
        assert!(rows.iter().all(|row| row.no_registry));
    }

    #[test]
    fn a_form_error_names_the_line_and_repeats_nothing() {
        for (row, expected) in [
            ("191212121212,robot,,,3,", "line 2: kind cannot"),
            ("191212121212,,,,9,", "line 2: loa cannot"),
            ("191212121212,3", "line 2: 2 fields"),
        ] {
            let error = parse(format!("{TITLE}{row}\n").as_bytes(), false).unwrap_err();
            assert_eq!(error.exit_code(), 65);
            assert!(error.message().starts_with(expected), "{}", error.message());
            assert!(!error.message().contains("1212"), "{}", error.message());
        }
        let error = parse(b"nummer,niva\n191212121212,3\n", false).unwrap_err();
        assert!(error.message().contains("heading"), "{}", error.message());
    }
}
