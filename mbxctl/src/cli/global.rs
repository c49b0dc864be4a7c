//! Options that every command takes, before or after the verb.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const HEADING: &str = "Global options";

/// The form of the result.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For people, with every column and whole ids.
    Wide,
    /// One JSON document.
    Json,
    /// One JSON object per line.
    Jsonl,
    /// YAML.
    Yaml,
    /// Comma-separated values with a heading.
    Csv,
    /// Bare ids, one per line.
    Id,
}

impl Format {
    /// Whether errors are written for machines too.
    pub const fn is_machine(self) -> bool {
        match self {
            Self::Json | Self::Jsonl | Self::Yaml => true,
            Self::Table | Self::Wide | Self::Csv | Self::Id => false,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Progress {
    /// A bar on a terminal, else a line now and then.
    Auto,
    /// A bar.
    Bar,
    /// A line now and then.
    Plain,
    /// One JSON object per step, on stderr.
    Json,
    /// Nothing.
    None,
}

/// Options that every command takes.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Form of the result
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", env = "MBXCTL_OUTPUT",
          hide_env_values = true, help_heading = HEADING)]
    pub output: Option<Format>,
    /// Columns to show, by name, comma-separated
    #[arg(long, global = true, value_delimiter = ',', value_name = "COLUMN,…",
          hide_short_help = true, help_heading = HEADING)]
    pub columns: Vec<String>,
    /// Column to sort the rows by; with a leading - descending
    #[arg(long, global = true, value_name = "COLUMN", allow_hyphen_values = true,
          hide_short_help = true, help_heading = HEADING)]
    pub sort: Option<String>,
    /// Only rows whose column has this value
    #[arg(long, global = true, value_name = "COLUMN=VALUE", hide_short_help = true,
          help_heading = HEADING)]
    pub filter: Vec<String>,
    /// Rows at most
    #[arg(long, global = true, value_name = "N", hide_short_help = true, help_heading = HEADING,
          value_parser = limit)]
    pub limit: Option<usize>,
    /// Read on after this row; the last line of a list names it
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true,
          help_heading = HEADING)]
    pub after: Option<String>,
    /// Leave headings away
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub no_headers: bool,
    /// No hints, no progress
    #[arg(short, long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub quiet: bool,
    /// Tell what is asked of the daemon
    #[arg(short, long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", env = "MBXCTL_COLOR",
          hide_env_values = true, hide_short_help = true, help_heading = HEADING)]
    pub color: Option<Color>,
    /// How progress is shown
    #[arg(long, global = true, value_enum, value_name = "HOW", hide_short_help = true,
          help_heading = HEADING)]
    pub progress: Option<Progress>,
    /// Never ask; fail naming the flag that is missing
    #[arg(long, global = true, env = "MBXCTL_NO_INPUT", hide_env_values = true,
          value_parser = clap::builder::FalseyValueParser::new(), hide_short_help = true,
          help_heading = HEADING)]
    pub no_input: bool,
    /// Answer yes where a command asks; never covers severe acts
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub yes: bool,
    /// Confirm a severe act by the thing's name
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true,
          help_heading = HEADING)]
    pub confirm: Option<String>,
    /// Show the plan; change nothing
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub dry_run: bool,
    /// Why, for the audit log
    #[arg(long, global = true, value_name = "TEXT", hide_short_help = true,
          help_heading = HEADING)]
    pub reason: Option<String>,
    /// The ticket it belongs to, for the audit log
    #[arg(long, global = true, value_name = "ID", hide_short_help = true,
          help_heading = HEADING)]
    pub ticket: Option<String>,
    /// Follow long work until it ends (the default)
    #[arg(long, global = true, overrides_with = "no_wait", hide_short_help = true,
          help_heading = HEADING)]
    pub wait: bool,
    /// Return the job's id at once
    #[arg(long, global = true, overrides_with = "wait", hide_short_help = true,
          help_heading = HEADING)]
    pub no_wait: bool,
    /// How long to wait for the daemon, such as 5s or 2min
    #[arg(long, global = true, value_name = "TIME", value_parser = crate::cli::value::duration,
          hide_short_help = true, help_heading = HEADING)]
    pub timeout: Option<Duration>,
    /// The daemon's control socket
    #[arg(long, global = true, value_name = "PATH", env = "MBXCTL_SOCKET",
          hide_env_values = true, hide_short_help = true, help_heading = HEADING)]
    pub socket: Option<PathBuf>,
    /// Show national numbers in full; needs the right, is audited
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub reveal: bool,
    /// Show times in UTC
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub utc: bool,
}

fn limit(text: &str) -> Result<usize, String> {
    let max = mbx_common::limit::LIST_ROWS_MAX;
    match text.parse::<usize>() {
        Ok(rows) if (1..=max).contains(&rows) => Ok(rows),
        _ => Err(format!("a number from 1 to {max}")),
    }
}
