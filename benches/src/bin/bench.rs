//! Prints today's figures as tables. `scripts/bench` builds what it needs and runs it.

use clap::{Args, Parser, Subcommand, ValueEnum};
use mbx_benches::machine::Machine;
use mbx_benches::peer::{Dovecot, USERS};
use mbx_benches::report::Report;
use mbx_benches::rounds::Rounds;
use mbx_benches::seed::Rooms;
use mbx_benches::site::{Counts, Site};
use mbx_benches::{BenchError, cipher, deliveries, engine, flight, notify, reads, scale, stages};
use mbxd::config;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Measures mbxd on this machine, in rounds that take turns with what it is held against.
///
/// Everything is written below the folder for temporary files (TMPDIR): choose one on the disk
/// that is to be measured. Nothing fails because something is slow, unless --enforce asks for it.
#[derive(Debug, Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
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

/// A part of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// The store against append + fdatasync.
    Engine,
    /// The content format against its two algorithms.
    Cipher,
    /// Processor time of a delivery by stage, each against its limit.
    Stages,
    /// Reading through the portal's door, against an IMAP fetch.
    Reads,
    /// Deliveries through the authorities' door, against LMTP.
    Deliveries,
    /// `notify` to 1,000 recipients.
    Notify,
    /// Memory of deliveries under way.
    Flight,
    /// Starting, memory and cost of a delivery with many mailboxes and messages.
    Scale,
}

#[derive(Debug, Args)]
struct Run {
    /// Writes the figures to a file as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exits 1 where a floor is missed, or could not be looked at.
    #[arg(long)]
    enforce: bool,
    /// Shorter rounds and smaller counts: some five minutes.
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
    /// Parts to measure. Default: all.
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Mailboxes of the part `scale`. Default: 100,000, quick 5,000.
    #[arg(long, value_name = "COUNT")]
    mailboxes: Option<u32>,
    /// Messages of the part `scale`. Default: 1,000,000, quick 50,000.
    #[arg(long, value_name = "COUNT")]
    messages: Option<u64>,
    /// Keeps the filled store of the part `scale` in a folder, for later runs with the same counts
    /// to measure without filling.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl Run {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Five rounds, each so many milliseconds for a side.
    const fn rounds(&self, whole_ms: u64, quick_ms: u64) -> Rounds {
        Rounds::of(5, if self.quick { quick_ms } else { whole_ms })
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what it is for")]
async fn main() -> Result<ExitCode, BenchError> {
    let Cli { command, run } = Cli::parse();
    if let Some(Command::Fill(fill)) = command {
        return filled(fill).await.map(|()| ExitCode::SUCCESS);
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
    if let Some(path) = &run.json {
        std::fs::write(path, report.json()?)?;
    }
    for figure in report.missed() {
        eprintln!("{}: {}: {}", figure.verdict().shown(), figure.part, figure.name);
    }
    Ok(ExitCode::from(report.exit_code(run.enforce)))
}

async fn measure(run: &Run, report: &mut Report) -> Result<(), BenchError> {
    let folder = std::env::temp_dir();
    if run.wants(Part::Engine) {
        begin("engine");
        report.figures.extend(engine::figures(&folder, run.rounds(1500, 500)).await?);
    }
    if run.wants(Part::Cipher) {
        begin("cipher");
        report.figures.extend(cipher::figures(run.rounds(300, 100)));
    }
    if run.wants(Part::Reads) || run.wants(Part::Deliveries) {
        against_the_peer(run, report).await?;
    }
    if [Part::Stages, Part::Notify, Part::Flight].into_iter().any(|part| run.wants(part)) {
        alone(run, report).await?;
    }
    if run.wants(Part::Scale) {
        begin("many mailboxes and messages (filling takes minutes)");
        let (mailboxes, messages) = if run.quick { (5_000, 50_000) } else { (100_000, 1_000_000) };
        let counts = Counts {
            mailboxes: run.mailboxes.unwrap_or(mailboxes),
            messages: run.messages.unwrap_or(messages),
        };
        let rounds = run.rounds(3000, 2000);
        report.figures.extend(scale::figures(run.store.as_deref(), counts, rounds).await?);
    }
    Ok(())
}

/// Reads and deliveries through the real daemon, in turns with the peer where it is given.
async fn against_the_peer(run: &Run, report: &mut Report) -> Result<(), BenchError> {
    begin("the daemon with its token and certificates");
    let folder = tempfile::tempdir()?;
    let site = Site::new(USERS, 0)?;
    let peer = start_peer(run, folder.path(), &mut report.notes);
    // Reads come first: later the peer's mailboxes hold messages of another size.
    if run.wants(Part::Reads) {
        begin("reads");
        let rounds = run.rounds(4000, 2000);
        report.figures.extend(reads::figures(&site, peer.as_ref(), rounds).await?);
    }
    if run.wants(Part::Deliveries) {
        begin("deliveries");
        let rounds = run.rounds(4000, 2000);
        report.figures.extend(deliveries::figures(&site, peer.as_ref(), rounds).await?);
    }
    Ok(())
}

/// What has no peer and needs a thousand mailboxes.
async fn alone(run: &Run, report: &mut Report) -> Result<(), BenchError> {
    begin("a daemon with a thousand mailboxes");
    let mut site = Site::new(1000, 0)?;
    if run.wants(Part::Stages) {
        begin("stages");
        let rounds = run.rounds(2000, 1000);
        report.figures.extend(stages::figures(&site, &std::env::temp_dir(), rounds).await?);
    }
    if run.wants(Part::Notify) {
        begin("notify");
        report.figures.extend(notify::figures(&site, run.rounds(4000, 2000)).await?);
    }
    if run.wants(Part::Flight) {
        begin("memory of deliveries under way");
        report.figures.extend(flight::figures(&mut site, run.rounds(3000, 1500)).await?);
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
