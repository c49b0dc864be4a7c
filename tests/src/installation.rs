//! A whole installation for an end-to-end test: token, certificates, configuration, the real
//! daemon, the real command line, an authority and a portal.

use crate::token::{Kind, Token};
use mbx_sim::client::Peer;
use mbx_sim::delivery::{Delivery, Message};
use mbx_sim::identity;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::{Credentials, Pki, Use, certificates};
use mbx_sim::portal::{Portal, create_key};
use mbx_sim::soap::Reply;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The authority whose certificate is `authority`.
pub const AUTHORITY: &str = "162021004748";
/// The dispatcher whose certificate is `dispatcher`.
pub const DISPATCHER: &str = "165568402266";
/// Path of the Service port.
pub const SERVICE: &str = "/service/v3";
/// The officer with every role; the other one is [`SECOND`].
pub const FIRST: &str = "anna";
/// The second officer.
pub const SECOND: &str = "bo";

/// How long the daemon may take to start or stop on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an installation is made with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The token's module; SoftHSM where not said.
    pub kind: Option<Kind>,
    /// Whether the fault module stands in front of the token.
    pub faults: bool,
    /// Further lines of `conf.d/90-test.toml`.
    pub config: String,
    /// Credentials besides the PIN: name and text.
    pub credentials: Vec<(String, String)>,
    /// Folder that keeps token and state for later installations; with the rest where not said.
    pub kept: Option<PathBuf>,
}

impl Setup {
    /// On a token of this kind, the fault module before it.
    pub fn on(kind: Kind) -> Self {
        Self { kind: Some(kind), faults: true, ..Self::default() }
    }
}

/// The installation. Dropped, its daemon is killed and its folder removed.
#[derive(Debug)]
pub struct Installation {
    /// Everything but the token lies here.
    pub folder: TempDir,
    /// The token.
    pub token: Token,
    /// Issues further certificates.
    pub issuer: Pki,
    /// The authorities' door.
    pub authorities: SocketAddr,
    /// The portal's door.
    pub portal: SocketAddr,
    state: PathBuf,
    daemon: Option<Child>,
    /// Log lines of every run, for searches.
    log: PathBuf,
    /// Where the lines of the present run begin.
    run_begins: u64,
}

impl Installation {
    /// Token, certificates and configuration; the daemon is not started.
    pub fn new(setup: &Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kind = setup.kind.unwrap_or(Kind::SoftHsm);
        let (token, state) = match &setup.kept {
            Some(kept) => (Token::kept(kind, &kept.join("token")), kept.join("state")),
            None => (Token::create(kind), folder.path().join("state")),
        };
        let log = folder.path().join("mbxd.log");
        let [authorities, portal] = free_ports();
        let issuer = make_pki(&folder.path().join("pki"));
        fs::create_dir(folder.path().join("crl")).expect("a folder for lists");
        let daemon = None;
        let installation =
            Self { folder, token, issuer, authorities, portal, state, daemon, log, run_begins: 0 };
        installation.publish_revocations();
        installation.configure(setup);
        installation
    }

    /// The same, started, set up with two officers, the first logged in and the authority allowed.
    pub fn ready(setup: &Setup) -> Self {
        let mut installation = Self::new(setup);
        installation.start();
        installation.wait_for_token();
        installation.init();
        installation.allow_authority();
        installation
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the certificates.
    pub fn pki(&self) -> PathBuf {
        self.path("pki")
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.state.clone()
    }

    /// Everything that the daemon logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What the daemon logged in the present run.
    fn log_of_run(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut log) = File::open(&self.log)
            && log.seek(SeekFrom::Start(self.run_begins)).is_ok()
        {
            log.read_to_end(&mut text).ok();
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Puts the issuer's revocation list where the daemon reads it, at its start or a reload.
    pub fn publish_revocations(&self) {
        fs::copy(self.pki().join("crl.pem"), self.path("crl/root.pem")).expect("the list");
    }

    fn configure(&self, setup: &Setup) {
        for name in ["credentials", "conf.d", "sessions"] {
            fs::create_dir_all(self.path(name)).expect("a folder");
        }
        fs::create_dir_all(&self.state).expect("a folder");
        fs::write(self.path("credentials/hsm-pin"), Token::PIN).expect("the PIN");
        for (name, text) in &setup.credentials {
            fs::write(self.path("credentials").join(name), text).expect("a credential");
        }
        fs::write(self.path("terms.txt"), "Terms of these tests.\n").expect("the terms");
        let module = if setup.faults { self.token.fault_module() } else { self.token.module() };
        fs::write(self.path("mbxd.toml"), self.main_config(&module)).expect("the configuration");
        fs::write(self.path("conf.d/90-test.toml"), &setup.config).expect("the drop-in");
    }

    fn main_config(&self, module: &Path) -> String {
        let root = self.folder.path().display();
        let portal = Credentials::load(&self.pki(), "portal").expect("the portal's certificate");
        let fingerprint = portal.chain.first().map(Sha256::digest).expect("a certificate");
        format!(
            r#"development = true
[installation]
name = "mbx-test"
[paths]
state = "{state}"
[log]
level = "debug,hyper=info,rustls=info"
format = "text"
[hsm]
module = "{module}"
token_label = "{label}"
token_serial = "{serial}"
sessions = 2
[store]
segment_size = "16 MiB"
stop_deliveries_below = "64 MiB"
stop_writes_below = "32 MiB"
[operators]
password_memory = "8 MiB"
password_passes = 1
[trust]
roots = ["{root}/pki/root.pem"]
portal_roots = ["{root}/pki/root.pem"]
crl_dir = "{root}/crl"
[delivery]
listen = "{authorities}"
public_address = "https://localhost:{port}{SERVICE}"
tls = {{ certificate = "{root}/pki/server.pem", private_key = "{root}/pki/server.key" }}
[scan]
scanner = "none"
[portal]
listen = "{portal}"
audience = "mbxd"
tls = {{ certificate = "{root}/pki/server.pem", private_key = "{root}/pki/server.key" }}
[[portal.client]]
name = "my-pages"
certificates = ["{fingerprint}"]
issuer = "https://portal.example"
keys = "{root}/pki/portal.jwt.pub"
[terms]
version = "2026-05"
file = "{root}/terms.txt"
[control]
socket = "{root}/control.sock"
[health]
listen = "unix:{root}/health.sock"
"#,
            state = self.state.display(),
            module = module.display(),
            label = self.token.label(),
            serial = self.token.serial(),
            authorities = self.authorities,
            port = self.authorities.port(),
            portal = self.portal,
            fingerprint = mbx_sim::ledger::hex(&fingerprint),
        )
    }

    /// The daemon as a command, not yet run.
    pub fn mbxd(&self) -> Command {
        let mut command = Command::new(binary("mbxd"));
        command
            .arg("--config")
            .arg(self.path("mbxd.toml"))
            .env("CREDENTIALS_DIRECTORY", self.path("credentials"))
            .envs(self.token.env());
        command
    }

    /// Starts the daemon and waits until it answers on its control socket.
    pub fn start(&mut self) {
        self.spawn();
        self.wait_until("the daemon answers", |installation| {
            UnixStream::connect(installation.path("control.sock")).is_ok()
        });
    }

    /// Waits until the token of the present run is open.
    pub fn wait_for_token(&mut self) {
        self.wait_until("the token is open", |installation| {
            installation.log_of_run().contains("state=Ready")
        });
    }

    /// Starts the daemon without waiting.
    pub fn spawn(&mut self) {
        self.spawn_as(self.mbxd());
    }

    /// The same by a command that was made by [`Installation::mbxd`] and altered since.
    pub fn spawn_as(&mut self, mut mbxd: Command) {
        self.run_begins = fs::metadata(&self.log).map_or(0, |log| log.len());
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let child = mbxd
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("mbxd starts");
        self.daemon = Some(child);
    }

    /// The daemon's process id.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("a running daemon").id()
    }

    /// Kills the daemon as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().expect("kill -9");
            daemon.wait().expect("its end");
        }
    }

    /// Stops the daemon as the service manager would.
    pub fn stop(&mut self) -> ExitStatus {
        let daemon = self.daemon.as_mut().expect("a running daemon");
        signal(daemon, rustix::process::Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = daemon.try_wait().expect("its status") {
                self.daemon = None;
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("mbxd does not stop:\n{}", self.log());
    }

    /// Has the daemon read its files anew.
    pub fn reload(&self) {
        signal(self.daemon.as_ref().expect("a running daemon"), rustix::process::Signal::HUP);
    }

    /// Waits until something holds; fails the test where it does not, or the daemon ended.
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if holds(self) {
                return;
            }
            if let Some(daemon) = &mut self.daemon
                && let Some(status) = daemon.try_wait().expect("its status")
            {
                panic!("mbxd ended ({status}) while waiting until {what}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("waited in vain until {what}:\n{}", self.log());
    }

    /// Runs mbxctl as a person with a session folder of their own.
    pub fn mbxctl(&self, person: &str, arguments: &[&str]) -> Output {
        self.mbxctl_command(person, arguments).output().expect("mbxctl runs")
    }

    /// The same, not yet run.
    pub fn mbxctl_command(&self, person: &str, arguments: &[&str]) -> Command {
        let sessions = self.path("sessions").join(person);
        fs::create_dir_all(&sessions).expect("a folder for the session");
        let mut command = Command::new(binary("mbxctl"));
        command
            .args(arguments)
            .env("MBXCTL_SOCKET", self.path("control.sock"))
            .env("MBXCTL_NO_INPUT", "1")
            .env("XDG_RUNTIME_DIR", &sessions)
            .env("HOME", &sessions)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs mbxctl as the first officer; fails the test where it fails. Returns standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.mbxctl(FIRST, arguments);
        assert!(
            output.status.success(),
            "mbxctl {arguments:?} ended with {}:\n{}{}\n--- mbxd:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The same with `-o json`, parsed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let arguments = [arguments, &["-o", "json"]].concat();
        serde_json::from_str(&self.ok(&arguments)).expect("JSON")
    }

    /// First set-up with two officers of every role, each logged in with a password of their own.
    pub fn init(&self) {
        let first = self.secret("first.txt", "first-Password-1842");
        let second = self.secret("second.txt", "second-Password-1907");
        let officers = [format!("{FIRST}:RSAO"), format!("{SECOND}:RSAO")];
        let files = [format!("{FIRST}={first}"), format!("{SECOND}={second}")];
        self.ok(&[
            "init",
            "--yes",
            "--officer",
            &officers[0],
            "--officer",
            &officers[1],
            "--password-file",
            &files[0],
            "--password-file",
            &files[1],
        ]);
        for (name, old, own) in
            [(FIRST, &first, "seven-Herons-at-Dusk"), (SECOND, &second, "nine-Lanterns-by-Sea")]
        {
            let new = self.secret(&format!("{name}.txt"), own);
            let output = self.mbxctl(
                name,
                &["login", "--as", name, "--password-file", old, "--new-password-file", &new],
            );
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Logs a person in again, after a restart or time-out.
    pub fn login(&self, name: &str) {
        let file = self.path(&format!("{name}.txt")).display().to_string();
        let output = self.mbxctl(name, &["login", "--as", name, "--password-file", &file]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn secret(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Lets the authority deliver, alone and through the dispatcher.
    pub fn allow_authority(&self) {
        self.ok(&["sender", "allow", AUTHORITY, "--dispatcher", DISPATCHER, "--yes"]);
    }

    /// Registers the made-up person `index`; gives the number and the mailbox.
    pub fn register(&self, index: u32) -> (String, String) {
        let number = identity::person(index);
        let answer = self.json(&[
            "user",
            "register",
            &number,
            "--kind",
            "person",
            "--loa",
            "3",
            "--reference",
            "test",
        ]);
        let mailbox = answer
            .pointer("/data/mailbox")
            .and_then(|id| id.as_str())
            .expect("a mailbox")
            .to_owned();
        (number, mailbox)
    }

    /// An authority's connection to the authorities' door.
    pub fn sender(&self, name: &str) -> Peer {
        let own = Credentials::load(&self.pki(), name).expect("credentials");
        let roots = certificates(&self.pki().join("root.pem")).expect("a root");
        Peer::new(self.authorities, &roots, Some(&own)).expect("a peer")
    }

    /// The SOAP document of a delivery by the authority, sealed by it too.
    pub fn signed(&self, recipient: &str, message: Message, style: Style) -> String {
        let own = Credentials::load(&self.pki(), "authority").expect("credentials");
        let signer = own.signer().expect("a signer");
        let delivery = Delivery {
            sender: AUTHORITY.to_owned(),
            sender_name: "Example Authority".to_owned(),
            recipient: recipient.to_owned(),
            correlation: None,
            messages: vec![message],
        };
        envelope(&delivery.sealed(&signer, &signer).expect("a signature"), style)
    }

    /// Delivers a message to a person; gives the answer.
    pub async fn deliver(&self, recipient: &str, message: Message) -> Reply {
        let document = self.signed(recipient, message, Style::Prefixed);
        self.post(document.into()).await
    }

    /// Posts a SOAP document as the authority.
    pub async fn post(&self, document: bytes::Bytes) -> Reply {
        let peer = self.sender("authority");
        let mut connection = peer.connect().await.expect("a connection");
        let answer = connection.soap(SERVICE, document).await.expect("an answer");
        Reply::parse(&answer.body).expect("an answer of the contract")
    }

    /// The metrics, as text.
    pub fn metrics(&self) -> String {
        let mut stream = UnixStream::connect(self.path("health.sock")).expect("the health socket");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    }

    /// The portal.
    pub fn portal(&self) -> Portal {
        let own = Credentials::load(&self.pki(), "portal").expect("credentials");
        let roots = certificates(&self.pki().join("root.pem")).expect("a root");
        let peer = Peer::new(self.portal, &roots, Some(&own)).expect("a peer");
        let key = self.pki().join("portal.jwt.key");
        Portal::new(peer, &own, &key, "https://portal.example", "mbxd").expect("a portal")
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill();
    }
}

fn make_pki(folder: &Path) -> Pki {
    let pki = Pki::create(folder).expect("a root");
    for (name, usage, number) in [
        ("server", Use::Server, "162021003898"),
        ("authority", Use::Organisation, AUTHORITY),
        ("dispatcher", Use::Organisation, DISPATCHER),
        ("portal", Use::Portal, "162021003898"),
    ] {
        pki.issue(name, usage, number).expect("a certificate");
    }
    create_key(folder, "portal").expect("an assertion key");
    pki
}

fn signal(daemon: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(daemon.id()).ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), signal).expect("a signal");
}

/// A binary of this workspace, built along with the tests. Those lie one folder below it; other
/// programs beside it.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this program's path");
    let folder = own.parent().expect("the build's folder");
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    assert!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    path
}

/// Addresses of this machine that nobody listens on, each another.
fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address"))
}
