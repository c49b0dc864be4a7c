//! What `main` calls: options, configuration, then one of three ways.

use super::error::StartError;
use super::lockdown::forbid_dumps;
use super::notes::notes;
use super::options::Options;
use super::rooms::state_folder;
use super::run::run;
use super::settings::Settings;
use super::sockets::Sockets;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::store::back_end::BackEnd;
use crate::store::embedded::{Embedded, rebuild_index};
use crate::store::{Changes, Store};
use crate::telemetry::{self, Chain};
use clap::Parser as _;
use mbx_common::audit::{Actor, Event, Fact, Origin};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

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
    runtime()?.block_on(record_rebuild(back_end, config, units))
}

/// Writes the entry of a rebuilt index: who had it made, and from how many units of work.
async fn record_rebuild(
    back_end: Arc<dyn BackEnd>,
    config: &Config,
    units: u64,
) -> Result<(), StartError> {
    let engine = Embedded::open(back_end, &config.store)?;
    let uid = rustix::process::getuid().as_raw();
    let entry = Origin::of(Actor::Local(uid))
        .entry(Clock::system().now(), Event::IndexRebuilt)
        .fact(Fact::Count(units));
    Store::new(engine.clone()).commit(Changes::new(), entry).await?;
    engine.close();
    Ok(())
}

/// Tells whoever started the daemon; a closed standard error leaves nobody to tell.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::audit::Entry;

    #[test]
    fn a_rebuilt_index_is_an_entry_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.paths.state = folder.path().join("state");
        let back_end = state_folder(&config.paths.state).unwrap();
        let engine = Embedded::open(back_end.clone(), &config.store).unwrap();
        let entry = Origin::of(Actor::Daemon).entry(Clock::system().now(), Event::DaemonStarted);
        let runtime = runtime().unwrap();
        runtime.block_on(Store::new(engine.clone()).commit(Changes::new(), entry)).unwrap();
        engine.close();
        drop(engine);
        rebuild(&config).unwrap();
        let store = Store::new(Embedded::open(back_end, &config.store).unwrap());
        let leaves = runtime.block_on(store.leaves(0, 10)).unwrap();
        let events = leaves.iter().map(|leaf| Entry::decode(leaf).unwrap().event);
        assert_eq!(events.collect::<Vec<_>>(), [Event::DaemonStarted, Event::IndexRebuilt]);
    }
}
