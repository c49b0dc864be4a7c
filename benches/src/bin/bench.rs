//! Prints today's figures as one table. `scripts/bench` builds what it needs and runs it.

use clap::Parser;
use mbx_benches::machine::Machine;
use mbx_benches::path::Rounds;
use mbx_benches::peer::{Dovecot, USERS};
use mbx_benches::report::Report;
use mbx_benches::scale::Counts;
use mbx_benches::site::Site;
use mbx_benches::{BenchError, cipher, engine, path, reads, scale};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measures mbxd on this machine, in rounds that take turns with what it is held against.
///
/// Everything is written below the folder for temporary files (TMPDIR): choose one on the disk
/// that is to be measured. Nothing here fails because something is slow.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
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

impl Cli {
    fn wants(&self, part: &str) -> bool {
        self.only.iter().any(|only| only == part)
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what it is for")]
async fn main() -> Result<(), BenchError> {
    let cli = Cli::parse();
    let folder = std::env::temp_dir();
    let machine = Machine::look(&folder);
    let mut report = Report { machine, quick: cli.quick, figures: Vec::new(), notes: Vec::new() };
    if report.machine.syncs_are_free() {
        report.notes.push(format!(
            "{} is no disk: syncs cost nothing there and the figures say nothing; set TMPDIR",
            folder.display()
        ));
    }
    measure(&cli, &mut report).await?;
    print!("{}", report.table());
    if let Some(path) = cli.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

async fn measure(cli: &Cli, report: &mut Report) -> Result<(), BenchError> {
    let folder = std::env::temp_dir();
    let rounds = if cli.quick { 3 } else { 5 };
    if cli.wants("engine") {
        begin("engine");
        let each = Duration::from_millis(if cli.quick { 500 } else { 1500 });
        report.figures.extend(engine::figures(&folder, rounds, each).await?);
    }
    if cli.wants("cipher") {
        begin("cipher");
        let each = Duration::from_millis(if cli.quick { 100 } else { 300 });
        report.figures.extend(cipher::figures(rounds, each));
    }
    if cli.wants("reads") || cli.wants("deliveries") {
        doors(cli, report).await?;
    }
    if cli.wants("scale") {
        begin("starting and memory (filling takes minutes)");
        let (mailboxes, messages) = if cli.quick { (5_000, 50_000) } else { (100_000, 1_000_000) };
        let counts = Counts {
            mailboxes: cli.mailboxes.unwrap_or(mailboxes),
            messages: cli.messages.unwrap_or(messages),
        };
        report.figures.extend(scale::figures(counts, 3).await?);
    }
    Ok(())
}

/// Reads and deliveries through the real daemon, in turns with the peer where it is given.
async fn doors(cli: &Cli, report: &mut Report) -> Result<(), BenchError> {
    begin("the daemon with its token and certificates");
    let folder = tempfile::tempdir()?;
    let site = Site::new(USERS, 0)?;
    let peer = start_peer(cli, folder.path(), &mut report.notes);
    let count = if cli.quick { 1 } else { 3 };
    let each = Duration::from_secs(if cli.quick { 3 } else { 4 });
    let rounds = Rounds { count, each };
    // Reads come first: later the peer's mailboxes hold messages of another size.
    if cli.wants("reads") {
        begin("reads");
        report.figures.extend(reads::figures(&site, peer.as_ref(), rounds).await?);
    }
    if cli.wants("deliveries") {
        begin("deliveries");
        report.figures.extend(path::figures(&site, peer.as_ref(), rounds).await?);
    }
    Ok(())
}

/// Starts the peer where its scripts are; otherwise the notes tell why there is none.
fn start_peer(cli: &Cli, folder: &Path, notes: &mut Vec<String>) -> Option<Dovecot> {
    let scripts = cli.peers.display();
    let without = "reads and deliveries stand alone";
    if !cli.peers.join("setup.sh").exists() {
        notes.push(format!("no peer: {scripts} holds no setup.sh (--peers DIR); {without}"));
        return None;
    }
    begin("the peer");
    let started = Dovecot::start(&cli.peers, folder);
    started.map_err(|error| notes.push(format!("no peer: {error}; {without}"))).ok()
}

/// Says on standard error what is measured now.
#[expect(clippy::print_stderr, reason = "somebody waits")]
fn begin(what: &str) {
    use std::sync::OnceLock;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    eprintln!("[{:>4.0} s] {what}", began.elapsed().as_secs_f64());
}
