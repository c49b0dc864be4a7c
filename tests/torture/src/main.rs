//! The command line of the long programmes.

use clap::Parser;
use mbx_torture::PROGRAMMES;
use mbx_torture::driver::{self, Driver, Length};
use std::process::ExitCode;
use std::time::Duration;

/// Runs the long programmes; exit code 1 where anything was found.
#[derive(Debug, Parser)]
#[command(name = "torture")]
struct Cli {
    /// Seed of the first round; each further round takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long all of it takes, parted evenly; each programme ends its round.
    #[arg(long, value_name = "M", default_value_t = 10)]
    minutes: u64,
    /// This many rounds of each programme instead of a time.
    #[arg(long, value_name = "K", conflicts_with = "minutes")]
    rounds: Option<u64>,
    /// These programmes alone.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Names the programmes and ends.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let chosen = match driver::choose(PROGRAMMES, &cli.only) {
        Ok(chosen) => chosen,
        Err(unknown) => return driver::complain(&unknown),
    };
    if cli.list {
        return driver::list(&chosen);
    }
    let length = match cli.rounds {
        Some(rounds) => Length::Rounds(rounds),
        None => Length::Time(Duration::from_secs(cli.minutes.saturating_mul(60))),
    };
    Driver { seed: cli.seed, length }.run(&chosen, &mut std::io::stdout().lock())
}
