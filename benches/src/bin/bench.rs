//! Prints today's figures as one table. `scripts/bench` builds what it needs and runs it.

use clap::{Args, Parser, Subcommand};
use mbx_benches::machine::Machine;
use mbx_benches::path::Rounds;
use mbx_benches::peer::{Dovecot, USERS};
use mbx_benches::report::Report;
use mbx_benches::scale::Counts;
use mbx_benches::seed::Rooms;
use mbx_benches::site::Site;
use mbx_benches::{BenchError, cipher, engine, path, reads, scale};
use mbxd::config;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measures mbxd on this machine, in rounds that take turns with what it is held against.
///
/// Everything is written below the folder for temporary files (TMPDIR): choose one on the disk
/// that is to be measured. Nothing here fails because something is slow.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fills an installation that is set up and whose daemon is stopped, without measuring.
    ///
    /// The PIN comes from the folder of credentials, as the daemon takes it.
    Fill(Fill),
}

#[derive(Debug, Args)]
struct Fill {
    /// The daemon's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How many mailboxes, of made-up persons.
    #[arg(long, value_name = "COUNT")]
    mailboxes: u32,
    /// How many messages, small ones.
    #[arg(long, value_name = "COUNT")]
    messages: u64,
}

#[derive(Debug, Args)]
struct Run {
    /// Writes the figures to a file as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Shorter rounds and smaller counts: some three minutes.
    #[arg(long)]
    quick: bool,
    /// Folder of the peer's scripts: Dovecot LMTP with its mail encryption.
    #[arg(
        long,
        env = "MBX_BENCH_PEERS",
        value_name = "DIR",
        default_value = "../shared/bench/peers"
    )]
    peers: PathBuf,
    /// Parts to measure.
    #[arg(long, value_delimiter = ',', default_value = "engine,cipher,reads,deliveries,scale")]
    only: Vec<String>,
    /// Mailboxes of the part `scale`. Default: 100,000, quick 5,000.
    #[arg(long, value_name = "COUNT")]
    mailboxes: Option<u32>,
    /// Messages of the part `scale`. Default: 1,000,000, quick 50,000.
    #[arg(long, value_name = "COUNT")]
    messages: Option<u64>,
}

impl Run {
    fn wants(&self, part: &str) -> bool {
        self.only.iter().any(|only| only == part)
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what it is for")]
async fn main() -> Result<(), BenchError> {
    let Cli { command, run } = Cli::parse();
    if let Some(Command::Fill(fill)) = command {
        return filled(fill).await;
    }
    let folder = std::env::temp_dir();
    let machine = Machine::look(&folder);
    let mut report = Report { machine, quick: run.quick, figures: Vec::new(), notes: Vec::new() };
    if report.machine.syncs_are_free() {
        report.notes.push(format!(
            "{} is no disk: syncs cost nothing there and the figures say nothing; set TMPDIR",
            folder.display()
        ));
    }
    measure(&run, &mut report).await?;
    print!("{}", report.table());
    if let Some(path) = run.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

async fn measure(run: &Run, report: &mut Report) -> Result<(), BenchError> {
    let folder = std::env::temp_dir();
    let rounds = if run.quick { 3 } else { 5 };
    if run.wants("engine") {
        begin("engine");
        let each = Duration::from_millis(if run.quick { 500 } else { 1500 });
        report.figures.extend(engine::figures(&folder, rounds, each).await?);
    }
    if run.wants("cipher") {
        begin("cipher");
        let each = Duration::from_millis(if run.quick { 100 } else { 300 });
        report.figures.extend(cipher::figures(rounds, each));
    }
    if run.wants("reads") || run.wants("deliveries") {
        doors(run, report).await?;
    }
    if run.wants("scale") {
        begin("starting and memory (filling takes minutes)");
        let (mailboxes, messages) = if run.quick { (5_000, 50_000) } else { (100_000, 1_000_000) };
        let counts = Counts {
            mailboxes: run.mailboxes.unwrap_or(mailboxes),
            messages: run.messages.unwrap_or(messages),
        };
        report.figures.extend(scale::figures(counts, 3).await?);
    }
    Ok(())
}

/// Reads and deliveries through the real daemon, in turns with the peer where it is given.
async fn doors(run: &Run, report: &mut Report) -> Result<(), BenchError> {
    begin("the daemon with its token and certificates");
    let folder = tempfile::tempdir()?;
    let site = Site::new(USERS, 0)?;
    let peer = start_peer(run, folder.path(), &mut report.notes);
    let count = if run.quick { 1 } else { 3 };
    let each = Duration::from_secs(if run.quick { 3 } else { 4 });
    let rounds = Rounds { count, each };
    // Reads come first: later the peer's mailboxes hold messages of another size.
    if run.wants("reads") {
        begin("reads");
        report.figures.extend(reads::figures(&site, peer.as_ref(), rounds).await?);
    }
    if run.wants("deliveries") {
        begin("deliveries");
        report.figures.extend(path::figures(&site, peer.as_ref(), rounds).await?);
    }
    Ok(())
}

/// Starts the peer where its scripts are; otherwise the notes tell why there is none.
fn start_peer(run: &Run, folder: &Path, notes: &mut Vec<String>) -> Option<Dovecot> {
    let scripts = run.peers.display();
    let without = "reads and deliveries stand alone";
    if !run.peers.join("setup.sh").exists() {
        notes.push(format!("no peer: {scripts} holds no setup.sh (--peers DIR); {without}"));
        return None;
    }
    begin("the peer");
    let started = Dovecot::start(&run.peers, folder);
    started.map_err(|error| notes.push(format!("no peer: {error}; {without}"))).ok()
}

/// Registers made-up persons and delivers small messages to them.
async fn filled(fill: Fill) -> Result<(), BenchError> {
    let config = config::load(&fill.config)?.config;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let credentials = credentials.ok_or("CREDENTIALS_DIRECTORY is not set")?;
    let pin = std::fs::read_to_string(credentials.join(&config.hsm.pin_credential))?;
    let rooms = Rooms::open(&config, SecretString::from(pin)).await?;
    begin(&format!("filling {} mailboxes", fill.mailboxes));
    rooms.register(fill.mailboxes).await?;
    begin(&format!("filling {} messages", fill.messages));
    rooms.deliver(fill.messages, fill.mailboxes).await?;
    begin("filled");
    rooms.close().await
}

/// Says on standard error what is measured now.
#[expect(clippy::print_stderr, reason = "somebody waits")]
fn begin(what: &str) {
    use std::sync::OnceLock;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    eprintln!("[{:>4.0} s] {what}", began.elapsed().as_secs_f64());
}
