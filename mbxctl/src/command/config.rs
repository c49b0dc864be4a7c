//! `config`: check a file with mbxd's own reader, show what is in effect.

use super::status::tone;
use crate::cli::ConfigCommand;
use crate::context::{Context, value};
use crate::failure::Failure;
use crate::output::{Answer, Cell, Column, Line, Table, Tone};
use mbx_common::control::config::{ConfigKey, ConfigView};
use mbx_common::control::route::Route;
use mbx_common::explain;
use mbx_common::note::Note;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};

/// `config …`.
pub(super) async fn run(context: &mut Context, command: ConfigCommand) -> Result<Answer, Failure> {
    match command {
        ConfigCommand::Check { file, mbxd } => check(&file, &mbxd),
        ConfigCommand::Show { origin } => show(context, origin).await,
    }
}

/// Runs `mbxd --check-config`: the same code path as the start.
fn check(file: &Path, mbxd: &Path) -> Result<Answer, Failure> {
    if !file.exists() {
        return Err(Failure::here(
            explain::INPUT_MISSING,
            format!("{} does not exist", file.display()),
        ));
    }
    let ran = check_config(file, mbxd)?;
    let data = json!({"file": file.display().to_string(), "valid": ran.well, "said": ran.said});
    if ran.well {
        let text = format!("{} is valid", file.display());
        let mut answer = Answer::new("config.check", data).line(Line::signed(Tone::Ok, text));
        for note in &ran.notes {
            let text = format!("{}: {}", note.topic.name(), note.text);
            answer = answer.line(Line::signed(tone(note.level), text));
        }
        return Ok(answer);
    }
    Err(Failure::here(explain::CONFIG_INVALID, ran.said.join("; ")).with_hint("man mbxd.toml"))
}

/// What mbxd said of a file.
pub(super) struct Ran {
    /// Whether it would start with it.
    pub(super) well: bool,
    /// What it said, line by line.
    pub(super) said: Vec<String>,
    /// The notes among it.
    pub(super) notes: Vec<Note>,
}

impl Ran {
    /// Whether it stumbled over what this user may not read.
    pub(super) fn lacks_rights(&self) -> bool {
        !self.well && self.said.iter().any(|line| line.contains("Permission denied"))
    }
}

/// Runs the daemon's own check of a file.
pub(super) fn check_config(file: &Path, mbxd: &Path) -> Result<Ran, Failure> {
    let output = Command::new(mbxd)
        .arg("--check-config")
        .arg("--config")
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::here(
                explain::INPUT_MISSING,
                format!("{} cannot be run: {error}", mbxd.display()),
            )
            .with_hint("name the daemon's program with --mbxd")
        })?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let said: Vec<String> =
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    let note = |line: &String| line.strip_prefix("mbxd: ")?.parse().ok();
    let notes = said.iter().filter_map(note).collect();
    Ok(Ran { well: output.status.success(), said, notes })
}

async fn show(context: &mut Context, origin: bool) -> Result<Answer, Failure> {
    let answered = context.client.get::<ConfigView>(Route::ConfigShow, None, &()).await?;
    let view = answered.value;
    let waiting = view.keys.iter().filter(|key| key.after_restart.is_some()).count();
    let row = |key: &ConfigKey| {
        let default = Cell::pair("default", "").tone(Tone::Dim);
        let from = key.origin.clone().map_or(default, Cell::text);
        let after = key.after_restart.as_deref().map_or_else(|| Cell::text(""), text_or_none);
        let cells = vec![
            Cell::text(key.key.clone()),
            text_or_none(&key.value),
            from,
            after.tone(Tone::Attention),
        ];
        (cells, value(key))
    };
    let from = Column::text("origin", "SET BY");
    let after = Column::text("after_restart", "AFTER RESTART");
    let table = Table {
        columns: vec![
            Column::text("key", "KEY"),
            Column::text("value", "VALUE").cut(),
            if origin { from } else { from.wide() },
            if waiting > 0 { after } else { after.wide() },
        ],
        rows: view.keys.iter().map(row).collect(),
        id: "key",
        total: u64::try_from(view.keys.len()).ok(),
        empty: "",
    };
    let mut answer = Answer::list("config.show", table, None).request(answered.request_id);
    if waiting > 0 {
        let keys = if waiting == 1 { "one key waits" } else { "several keys wait" };
        answer = answer.hint(format!("systemctl restart mbxd      {keys} for it"));
    }
    let files = view.files.join(", ");
    Ok(answer.hint(format!("read from {files}      man mbxd.toml")))
}

/// A value; a dash where there is none.
fn text_or_none(value: &str) -> Cell {
    if value.is_empty() { Cell::pair("–", "") } else { Cell::text(value) }
}
