//! The command line of mbxd.

use clap::Parser;
use std::path::PathBuf;

/// Mailbox operator's daemon for Mina meddelanden.
#[derive(Debug, Parser)]
#[command(name = "mbxd", version, about, after_help = "See mbxd(8) and mbxd.toml(5).")]
pub(super) struct Options {
    /// The configuration; files of `conf.d` beside it are read after it.
    #[arg(long, value_name = "FILE", default_value = "/etc/mbx/mbxd.toml")]
    pub(super) config: PathBuf,
    /// Reads the configuration and the files it names as the start would, says what is wrong,
    /// and exits.
    #[arg(long, conflicts_with = "rebuild_index")]
    pub(super) check_config: bool,
    /// Rebuilds the index from the log and exits. The daemon must not be running.
    #[arg(long)]
    pub(super) rebuild_index: bool,
}
