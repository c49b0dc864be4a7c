//! `mbx-sim`: authorities, a portal and load, from the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use mbx_sim::client::Peer;
use mbx_sim::delivery::{Delivery, Message, Part, notify};
use mbx_sim::ledger::{self, Ledger};
use mbx_sim::load::{self, Plan};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::{Credentials, Pki, Use, certificates};
use mbx_sim::portal::{Portal, create_key};
use mbx_sim::soap::Reply;
use mbx_sim::{SimError, identity};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The other side of a mailbox operator's doors: authorities, a portal, and load.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Folder of the certificates that `mbx-sim pki` made.
    #[arg(long, global = true, default_value = "pki")]
    pki: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a root, a revocation list, and certificates: `server`, `authority`, `dispatcher`,
    /// `portal`, and the portal's assertion key.
    Pki,
    /// Prints valid made-up numbers.
    Numbers {
        /// How many.
        #[arg(long, default_value_t = 10)]
        count: u32,
        /// First index.
        #[arg(long, default_value_t = 0)]
        first: u32,
    },
    /// Signs, seals and sends one delivery.
    Send(Send),
    /// Sends one `notify` to many recipients.
    Notify(Notify),
    /// Calls the holders' door as the portal.
    Portal(PortalCall),
    /// Sends many deliveries and prints throughput and latencies as JSON.
    Load(Load),
    /// Compares every mailbox of a ledger with it; exit code 1 where anything is amiss.
    Check {
        #[command(flatten)]
        door: PortalDoor,
        /// The ledger.
        ledger: PathBuf,
    },
}

/// Where deliveries go and who sends them.
#[derive(Args, Debug)]
struct Door {
    /// Address of the authorities' door.
    #[arg(long, default_value = "127.0.0.1:8443")]
    to: SocketAddr,
    /// Path of the Service port.
    #[arg(long, default_value = "/service/v3")]
    path: String,
    /// Name of the authority's certificate.
    #[arg(long, default_value = "authority")]
    sender: String,
    /// Organisation number of the authority, 12 digits.
    #[arg(long, default_value = "162021004748")]
    sender_id: String,
    /// Name of the certificate that seals and connects; default: the authority's.
    #[arg(long)]
    dispatcher: Option<String>,
}

#[derive(Args, Debug)]
struct Send {
    #[command(flatten)]
    door: Door,
    /// For whom, 12 digits.
    #[arg(long)]
    recipient: String,
    /// Subject.
    #[arg(long, default_value = "A letter from an authority")]
    subject: String,
    /// Text of the body.
    #[arg(long, default_value = "Dear holder, this is for your eyes only.")]
    text: String,
    /// A PDF file to attach.
    #[arg(long)]
    attach: Option<PathBuf>,
    /// `Header/Id` of the message; default: random.
    #[arg(long)]
    id: Option<String>,
    /// How namespaces are written.
    #[arg(long, value_enum, default_value_t = StyleName::Prefixed)]
    style: StyleName,
    /// Writes the SOAP document to a file instead of sending it.
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StyleName {
    /// Default namespaces, as .NET writes.
    Default,
    /// Prefixes on the Envelope, as Kivra's generator writes.
    Prefixed,
    /// Prefixes on the operation, unused ones too, as JAXB writes.
    Jaxb,
}

impl From<StyleName> for Style {
    fn from(name: StyleName) -> Self {
        match name {
            StyleName::Default => Self::Default,
            StyleName::Prefixed => Self::Prefixed,
            StyleName::Jaxb => Self::Jaxb,
        }
    }
}

#[derive(Args, Debug)]
struct Notify {
    #[command(flatten)]
    door: Door,
    /// For whom; several times, or a file with one a line by `@FILE`.
    #[arg(long, required = true)]
    recipient: Vec<String>,
    /// Subject.
    #[arg(long, default_value = "A reminder")]
    subject: String,
    /// Text of the body.
    #[arg(long, default_value = "You have an appointment tomorrow.")]
    text: String,
}

/// How the portal reaches the holders' door.
#[derive(Args, Debug)]
struct PortalDoor {
    /// Address of the holders' door.
    #[arg(long, default_value = "127.0.0.1:8444")]
    to: SocketAddr,
    /// `iss` of the assertions.
    #[arg(long, default_value = "https://portal.example")]
    issuer: String,
    /// `aud` of the assertions.
    #[arg(long, default_value = "mbxd")]
    audience: String,
}

#[derive(Args, Debug)]
struct PortalCall {
    #[command(flatten)]
    door: PortalDoor,
    /// The person, 12 digits.
    #[arg(long)]
    person: String,
    /// Level of assurance.
    #[arg(long, default_value_t = 3)]
    loa: u8,
    /// HTTP method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// Path, such as `/v1/messages`.
    path: String,
}

#[derive(Args, Debug)]
struct Load {
    #[command(flatten)]
    door: Door,
    /// A file with one recipient a line.
    #[arg(long)]
    recipients: PathBuf,
    /// Octets of the attachment.
    #[arg(long, default_value_t = 36_000)]
    size: usize,
    /// Concurrent senders.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Deliveries in all.
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// Deliveries a second (open loop); default: as fast as answers come (closed loops).
    #[arg(long)]
    rate: Option<f64>,
    /// Ledger to go on with.
    #[arg(long)]
    ledger: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            writeln!(std::io::stderr(), "mbx-sim: {error}").ok();
            ExitCode::from(69)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, SimError> {
    match cli.command {
        Command::Pki => make_pki(&cli.pki)?,
        Command::Numbers { count, first } => {
            for index in first..first.saturating_add(count) {
                say(&identity::person(index))?;
            }
        }
        Command::Send(send) => return send_one(&cli.pki, send).await,
        Command::Notify(call) => return send_notify(&cli.pki, call).await,
        Command::Portal(call) => return portal_call(&cli.pki, call).await,
        Command::Load(load) => run_load(&cli.pki, load).await?,
        Command::Check { door, ledger } => {
            let findings = ledger::check(&ledger, &portal(&cli.pki, &door)?).await?;
            say(&json(&findings)?)?;
            return Ok(if findings.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn make_pki(folder: &Path) -> Result<(), SimError> {
    let pki = Pki::create(folder)?;
    pki.issue("server", Use::Server, "162021003898")?;
    pki.issue("authority", Use::Organisation, "162021004748")?;
    pki.issue("dispatcher", Use::Organisation, "165568402266")?;
    pki.issue("portal", Use::Portal, "162021003898")?;
    create_key(folder, "portal")?;
    say(&format!("certificates in {}", folder.display()))
}

fn peer(pki: &Path, to: SocketAddr, own: &Credentials) -> Result<Peer, SimError> {
    Peer::new(to, &certificates(&pki.join("root.pem"))?, Some(own))
}

/// Credentials of the sender and of whoever seals and connects.
fn parties(pki: &Path, door: &Door) -> Result<(Credentials, Credentials), SimError> {
    let sender = Credentials::load(pki, &door.sender)?;
    let dispatcher = Credentials::load(pki, door.dispatcher.as_ref().unwrap_or(&door.sender))?;
    Ok((sender, dispatcher))
}

async fn send_one(pki: &Path, send: Send) -> Result<ExitCode, SimError> {
    let (sender, dispatcher) = parties(pki, &send.door)?;
    let id = send.id.unwrap_or_else(|| format!("{:032x}", rand::random::<u128>()));
    let mut message = Message::text(id, send.subject, &send.text);
    if let Some(path) = &send.attach {
        message.attachments.push(Part {
            media_type: "application/pdf".to_owned(),
            file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            octets: std::fs::read(path).map_err(SimError::file(path))?,
        });
    }
    let delivery = Delivery {
        sender: send.door.sender_id,
        sender_name: "Example Authority".to_owned(),
        recipient: send.recipient,
        correlation: None,
        messages: vec![message],
    };
    let tree = delivery.sealed(&sender.signer()?, &dispatcher.signer()?)?;
    let document = envelope(&tree, send.style.into());
    if let Some(path) = send.write {
        std::fs::write(&path, document).map_err(SimError::file(path))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut connection = peer(pki, send.door.to, &dispatcher)?.connect().await?;
    report(&connection.soap(&send.door.path, document.into()).await?.body)
}

async fn send_notify(pki: &Path, call: Notify) -> Result<ExitCode, SimError> {
    let (_, dispatcher) = parties(pki, &call.door)?;
    let mut recipients = Vec::new();
    for entry in call.recipient {
        match entry.strip_prefix('@') {
            Some(path) => recipients.extend(lines(Path::new(path))?),
            None => recipients.push(entry),
        }
    }
    let message = Message::text("reminder", call.subject, &call.text);
    let tree = notify(&call.door.sender_id, "Example Authority", &recipients, &message);
    let document = envelope(&tree, Style::Default);
    let mut connection = peer(pki, call.door.to, &dispatcher)?.connect().await?;
    report(&connection.soap(&call.door.path, document.into()).await?.body)
}

/// Prints an answer; exit code 1 for a fault, 2 where someone was not delivered to.
fn report(body: &[u8]) -> Result<ExitCode, SimError> {
    match Reply::parse(body)? {
        Reply::Result { trans_id, statuses } => {
            let delivered = statuses.iter().filter(|(_, delivered)| *delivered).count();
            say(&format!("TransId {trans_id}  delivered {delivered} of {}", statuses.len()))?;
            Ok(if delivered == statuses.len() { ExitCode::SUCCESS } else { ExitCode::from(2) })
        }
        Reply::Fault { code, error_code, description, call_id } => {
            say(&format!("Fault {code} {error_code}: {description} (CallId {call_id})"))?;
            Ok(ExitCode::from(1))
        }
    }
}

fn portal(pki: &Path, door: &PortalDoor) -> Result<Portal, SimError> {
    let own = Credentials::load(pki, "portal")?;
    let peer = peer(pki, door.to, &own)?;
    Portal::new(peer, &own, &pki.join("portal.jwt.key"), &door.issuer, &door.audience)
}

async fn portal_call(pki: &Path, call: PortalCall) -> Result<ExitCode, SimError> {
    let portal = portal(pki, &call.door)?;
    let claims = portal.claims(&call.person, call.loa);
    let answer = portal.call(&call.method, &call.path, &claims).await?;
    let mut aside = std::io::stderr().lock();
    writeln!(aside, "HTTP {}", answer.status).map_err(SimError::file("standard error"))?;
    if let Some(seconds) = answer.headers.get("retry-after") {
        writeln!(aside, "Retry-After: {}", seconds.to_str().unwrap_or("?"))
            .map_err(SimError::file("standard error"))?;
    }
    let mut out = std::io::stdout().lock();
    out.write_all(&answer.body).map_err(SimError::file("standard output"))?;
    writeln!(out).map_err(SimError::file("standard output"))?;
    Ok(if answer.status < 400 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn run_load(pki: &Path, load: Load) -> Result<(), SimError> {
    let (sender, _) = parties(pki, &load.door)?;
    let peer = peer(pki, load.door.to, &sender)?;
    let plan = Plan {
        path: load.door.path,
        sender: load.door.sender_id,
        recipients: lines(&load.recipients)?,
        size: load.size,
        workers: load.workers,
        count: load.count,
        rate: load.rate,
    };
    let ledger = load.ledger.map(|path| Ledger::open(&path).map(Arc::new)).transpose()?;
    let outcome = load::run(&peer, &Arc::new(sender.signer()?), &plan, ledger).await?;
    say(&json(&outcome)?)
}

fn lines(path: &Path) -> Result<Vec<String>, SimError> {
    let text = std::fs::read_to_string(path).map_err(SimError::file(path))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn json(value: &impl serde::Serialize) -> Result<String, SimError> {
    serde_json::to_string(value).map_err(|error| SimError::Usage(error.to_string()))
}

fn say(line: &str) -> Result<(), SimError> {
    writeln!(std::io::stdout(), "{line}").map_err(SimError::file("standard output"))
}
