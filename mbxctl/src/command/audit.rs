//! `audit`: search, follow, export, verify.

use super::audit_report::report;
use super::{audit_entry, offline};
use crate::cli::{AuditCommand, EventCommand, Format};
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::figure::bytes;
use crate::output::{Answer, Line, Style, Tone};
use bytes::Bytes;
use mbx_common::control::Page;
use mbx_common::control::audit::{
    AuditQuery, AuditRow, ExportFormat, ExportRequest, TailQuery, VerifyReport, VerifyRequest,
};
use mbx_common::control::route::Route;
use mbx_common::explain;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Largest file with a checkpoint or keys, in bytes.
const SMALL_LEN_MAX: u64 = 64 * 1024;

/// `audit …`.
pub(super) async fn run(context: &mut Context, command: AuditCommand) -> Result<Answer, Failure> {
    match command {
        AuditCommand::Search { actor, subject, event, since, until } => {
            let query = AuditQuery {
                actor,
                subject,
                event,
                since: Context::moment(since),
                until: Context::moment(until),
                limit: Some(context.limit()),
                after: context.after(),
            };
            search(context, &query).await
        }
        AuditCommand::Tail { follow } => {
            let limit = Some(context.limit());
            if follow { tail(context, limit).await } else { newest(context, limit).await }
        }
        AuditCommand::Export { since, until, to, format } => {
            let now = crate::now::now();
            let request = ExportRequest {
                since: since.resolve(now),
                until: until.resolve(now),
                format: match format.as_str() {
                    "csv" => ExportFormat::Csv,
                    _ => ExportFormat::Json,
                },
            };
            export(context, &request, &to).await
        }
        AuditCommand::Verify { file, from, keys } => verify(context, file, from, keys).await,
        AuditCommand::Event(EventCommand::List) => Ok(offline::event_list()),
        AuditCommand::Event(EventCommand::Show { code }) => offline::event_show(&code),
    }
}

async fn search(context: &mut Context, query: &AuditQuery) -> Result<Answer, Failure> {
    let answered = context.client.get::<Page<AuditRow>>(Route::AuditSearch, None, query).await?;
    let page = answered.value;
    let table = audit_entry::table(context, &page.rows, page.total);
    Ok(Answer::list("audit.search", table, page.next).request(answered.request_id))
}

async fn newest(context: &mut Context, limit: Option<usize>) -> Result<Answer, Failure> {
    let query = TailQuery { limit, follow: false };
    let mut lines = context.client.stream(Route::AuditTail, None, &query, Bytes::new()).await?;
    let mut rows = Vec::new();
    while let Some(line) = lines.next().await? {
        rows.push(entry(&line)?);
    }
    let table = audit_entry::table(context, &rows, None);
    Ok(Answer::list("audit.tail", table, None).request(lines.request_id))
}

/// Each new entry as it comes, until Ctrl-C or until nobody reads any more.
async fn tail(context: &mut Context, limit: Option<usize>) -> Result<Answer, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let query = TailQuery { limit, follow: true };
    let mut lines = context.client.stream(Route::AuditTail, None, &query, Bytes::new()).await?;
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            () = interrupt.pressed() => return Err(Failure::Told(130)),
        };
        let Some(line) = line else { break };
        let row = entry(&line)?;
        if !context.screen.now(&tail_line(context, &row))? {
            return Err(Failure::Told(0));
        }
    }
    Err(Failure::here(explain::NO_DAEMON, "mbxd ended the stream").with_hint("mbxctl status"))
}

fn tail_line(context: &Context, row: &AuditRow) -> String {
    match context.screen.format {
        Format::Json | Format::Jsonl | Format::Yaml => {
            format!("{}\n", json!({"schema": "mbxctl/audit.tail/1", "data": row}))
        }
        Format::Id => format!("{}\n", row.position),
        Format::Table | Format::Wide | Format::Csv => {
            let role = row.role.as_ref().map(|role| format!(" ({role})")).unwrap_or_default();
            let subjects: Vec<String> =
                row.subjects.iter().map(|id| crate::output::figure::short_id(id)).collect();
            let line = Line::default()
                .and(format!("{}  ", context.zone.second(row.time)), Tone::Dim)
                .and(format!("{}  {}{role}  {}  ", row.event, row.actor, row.result), Tone::Plain)
                .and(format!("{}  {}", row.title, subjects.join(" ")), Tone::Plain);
            let style = Style { width: None, ..context.screen.out };
            format!("{}\n", style.line(&line))
        }
    }
}

fn entry(line: &[u8]) -> Result<AuditRow, Failure> {
    serde_json::from_slice(line)
        .map_err(|_| Failure::here(explain::INTERNAL, "an entry cannot be read"))
}

/// Writes an export to a new file of mode 0600; a broken one is removed again.
async fn export(
    context: &mut Context,
    request: &ExportRequest,
    to: &Path,
) -> Result<Answer, Failure> {
    let body = serde_json::to_vec(request)
        .map_err(|_| Failure::here(explain::INTERNAL, "the request cannot be written"))?;
    let mut stream = context.client.stream(Route::AuditExport, None, &(), body.into()).await?;
    let cannot = |error: std::io::Error| {
        Failure::here(explain::OUTPUT_FAILED, format!("{}: {error}", to.display()))
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(cannot)?;
    let mut length = 0_u64;
    let mut digest = Sha256::new();
    let written = loop {
        match stream.chunk().await {
            Ok(Some(bytes)) => {
                digest.update(&bytes);
                length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if let Err(error) = file.write_all(&bytes) {
                    break Err(cannot(error));
                }
            }
            Ok(None) => break file.sync_all().map_err(cannot),
            Err(failure) => break Err(failure),
        }
    };
    if let Err(failure) = written {
        std::fs::remove_file(to).unwrap_or_default();
        return Err(failure);
    }
    let sha256 = hex(&digest.finalize());
    let data = json!({"file": to.display().to_string(), "bytes": length, "sha256": sha256});
    let text = format!("{}  {} · sha256 {sha256}", to.display(), bytes(length));
    let answer = Answer::new("audit.export", data).request(stream.request_id);
    let answer = answer.line(Line::signed(Tone::Ok, text));
    Ok(match request.format {
        ExportFormat::Json => answer.hint(format!("mbxctl audit verify {}", to.display())),
        ExportFormat::Csv | ExportFormat::Cef => answer,
    })
}

fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}

async fn verify(
    context: &mut Context,
    file: Option<PathBuf>,
    from: Option<PathBuf>,
    keys: Option<PathBuf>,
) -> Result<Answer, Failure> {
    let checkpoint = from.as_deref().map(read_small).transpose()?;
    if let Some(file) = file {
        let keys = keys.as_deref().map(read_small).transpose()?;
        return super::audit_offline::verify(&file, checkpoint.as_deref(), keys.as_deref());
    }
    let request = VerifyRequest { checkpoint };
    let answered =
        context.client.send_body::<VerifyReport>(Route::AuditVerify, None, &request).await?;
    Ok(report(&answered.value).request(answered.request_id))
}

fn read_small(path: &Path) -> Result<String, Failure> {
    let missing = |error: std::io::Error| {
        Failure::here(explain::INPUT_MISSING, format!("{}: {error}", path.display()))
    };
    if std::fs::metadata(path).map_err(missing)?.len() > SMALL_LEN_MAX {
        let message = format!("{} is too large for a checkpoint or keys", path.display());
        return Err(Failure::here(explain::INPUT_INVALID, message));
    }
    std::fs::read_to_string(path).map_err(missing)
}
