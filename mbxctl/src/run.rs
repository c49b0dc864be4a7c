//! One run: arguments in, exit code out.

use crate::cli::{self, Cli, Color, Format};
use crate::command;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Screen};
use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use mbx_common::explain;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command line and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = cli::command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => ExitCode::from(execute(cli)),
        Err(error) => ExitCode::from(not_parsed(&arguments, &error)),
    }
}

fn execute(cli: Cli) -> u8 {
    let context = match Context::new(&cli.global) {
        Ok(context) => context,
        Err(failure) => return fail(&first_screen(cli.global.output), &failure),
    };
    let screen = context.screen.clone();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                &screen,
                &Failure::here(explain::INTERNAL, format!("no runtime: {error}")),
            );
        }
    };
    let result = runtime.block_on(Box::pin(command::run(context, cli.command)));
    match result.and_then(|answer| screen.answer(answer).map_err(Failure::from)) {
        Ok(exit) => exit,
        Err(failure) => fail(&screen, &failure),
    }
}

fn fail(screen: &Screen, failure: &Failure) -> u8 {
    if !matches!(failure, Failure::Told(_)) {
        output::error::write(screen, failure);
    }
    failure.exit_code()
}

/// Help and version are no errors; everything else is wrong usage, 64.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
fn not_parsed(arguments: &[OsString], error: &clap::Error) -> u8 {
    let screen = first_screen(machine_format(arguments));
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let written = screen.now(&screen.out.spell(&error.render().to_string()));
            written.map_or_else(|error| fail(&screen, &error.into()), |_| 0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            screen.say(&output::Line::plain(error.render().to_string()));
            64
        }
        _ => fail(&screen, &usage(error)),
    }
}

/// The sentence of a parse error and one suggestion; nothing is run on a guess.
fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let sentence: Vec<&str> =
        text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let sentence = sentence.join(" ");
    let message = sentence.trim_start_matches("error: ").to_owned();
    let suggestion =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| error.get(kind))
            .and_then(first);
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    let hint = match (suggestion, usage) {
        (Some(word), _) => format!("did you mean {word}?"),
        (None, Some(usage)) => format!("usage: {usage}"),
        (None, None) => "mbxctl --help".to_owned(),
    };
    Failure::here(explain::USAGE, message).with_hint(hint)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
fn first(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.last().cloned(),
        _ => None,
    }
}

/// Before the configuration is read, errors follow the flag alone.
fn first_screen(format: Option<Format>) -> Screen {
    Screen::of_process(format.unwrap_or(Format::Table), Color::Auto)
}

/// The format that arguments or environment ask for, where clap could not read them.
fn machine_format(arguments: &[OsString]) -> Option<Format> {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let value = words.iter().enumerate().find_map(|(place, word)| match *word {
        "-o" | "--output" => words.get(place + 1).copied(),
        word => word
            .strip_prefix("--output=")
            .or_else(|| word.strip_prefix("-o").filter(|rest| !rest.is_empty())),
    });
    let environment = std::env::var("MBXCTL_OUTPUT").ok();
    let value = value.or(environment.as_deref())?;
    <Format as clap::ValueEnum>::from_str(value, false).ok()
}
