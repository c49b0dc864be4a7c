//! Fills an installation that is set up and whose daemon is stopped. The PIN comes from the
//! folder of credentials, as the daemon takes it.

use clap::Parser;
use mbx_benches::BenchError;
use mbx_benches::seed::Rooms;
use mbxd::config;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Instant;

/// Registers made-up persons and delivers small messages to them.
#[derive(Debug, Parser)]
struct Cli {
    /// The daemon's configuration.
    #[arg(long)]
    config: PathBuf,
    /// How many mailboxes.
    #[arg(long)]
    mailboxes: u32,
    /// How many messages.
    #[arg(long)]
    messages: u64,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "filling takes minutes: somebody waits")]
async fn main() -> Result<(), BenchError> {
    let cli = Cli::parse();
    let config = config::load(&cli.config)?.config;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let credentials = credentials.ok_or("CREDENTIALS_DIRECTORY is not set")?;
    let pin = std::fs::read_to_string(credentials.join(&config.hsm.pin_credential))?;
    let rooms = Rooms::open(&config, SecretString::from(pin)).await?;
    let began = Instant::now();
    rooms.register(cli.mailboxes).await?;
    eprintln!("filled {} mailboxes in {:.0} s", cli.mailboxes, began.elapsed().as_secs_f64());
    if cli.messages > 0 {
        let began = Instant::now();
        rooms.deliver(cli.messages, cli.mailboxes).await?;
        eprintln!("filled {} messages in {:.0} s", cli.messages, began.elapsed().as_secs_f64());
    }
    rooms.close().await
}
