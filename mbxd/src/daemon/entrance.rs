//! What `main` calls: options, configuration, then one of three ways.

use super::error::StartError;
use super::lockdown::forbid_dumps;
use super::notes::notes;
use super::options::Options;
use super::rooms::state_folder;
use super::run::run;
use super::settings::Settings;
use super::sockets::Sockets;
use crate::config::{self, Config};
use crate::store::embedded::rebuild_index;
use crate::telemetry::{self, Chain};
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Wrong usage, in sysexits' numbers; clap's own is 2.
const USAGE: u8 = 64;

/// Runs mbxd to its end.
pub fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            error.print().ok();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("mbxd: {}", Chain(&error)));
            ExitCode::from(error.exit_code())
        }
    }
}

fn start(options: &Options) -> Result<(), StartError> {
    let loaded = config::load(&options.config)?;
    if options.check_config {
        Settings::with_credentials(&loaded.config)?;
        for note in runtime()?.block_on(notes(&loaded.config)) {
            say(&format!("mbxd: {note}"));
        }
        say(&format!("mbxd: {} is sound", options.config.display()));
        return Ok(());
    }
    if options.rebuild_index {
        return rebuild(&loaded.config);
    }
    let sockets = Sockets::from_environment();
    telemetry::start(&loaded.config.log)?;
    forbid_dumps().map_err(StartError::Lockdown)?;
    runtime()?.block_on(run(loaded, &options.config, sockets))
}

fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("mbxd")
        .build()
        .map_err(StartError::Runtime)
}

fn rebuild(config: &Config) -> Result<(), StartError> {
    let back_end = state_folder(&config.paths.state)?;
    let mut told = 0;
    let units = rebuild_index(&back_end, &config.store, |progress| {
        if progress.segments_done > told {
            told = progress.segments_done;
            let (segments, units) = (progress.segments, progress.units);
            say(&format!("segment {told} of {segments}, {units} units of work"));
        }
    })?;
    say(&format!("mbxd: the index is whole again: {units} units of work"));
    Ok(())
}

/// Tells whoever started the daemon; a closed standard error leaves nobody to tell.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}
