//! A whole installation to be measured: the daemon as it is released, a token in software.

use crate::BenchError;
use mbx_sim::client::Peer;
use mbx_sim::identity;
use mbx_sim::load::Plan;
use mbx_sim::pki::Credentials;
use mbx_sim::sign::Signer;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE, Setup};
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// The defaults of a production installation, where the tests' own differ from them.
const CONFIG: &str = r#"
[log]
level = "info"
[store]
segment_size = "128 MiB"
[operators]
password_memory = "64 MiB"
"#;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// An installation with mailboxes.
pub struct Site {
    /// Token, certificates, daemon, doors.
    pub installation: Installation,
    mailboxes: u32,
}

/// How long a start took.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Until the daemon told the service manager that it is ready.
    pub ready: Duration,
    /// Until the token was open too, so that everything can be done.
    pub open: Duration,
}

impl Site {
    /// Sets one up with so many mailboxes and messages, and starts its daemon.
    ///
    /// # Errors
    /// [`BenchError`] where the filling fails.
    pub fn new(mailboxes: u32, messages: u64) -> Result<Self, BenchError> {
        let setup = Setup { config: CONFIG.to_owned(), ..Setup::default() };
        let installation = Installation::ready(&setup);
        let mut site = Self { installation, mailboxes };
        site.installation.stop();
        site.fill(messages)?;
        site.installation.start();
        site.installation.wait_for_token();
        Ok(site)
    }

    /// Fills it in a process of its own, because one process has one token.
    fn fill(&self, messages: u64) -> Result<(), BenchError> {
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(["fill", "--config"])
            .arg(self.installation.path("mbxd.toml"))
            .args(["--mailboxes", &self.mailboxes.to_string()])
            .args(["--messages", &messages.to_string()])
            .env("CREDENTIALS_DIRECTORY", self.installation.path("credentials"))
            .envs(self.installation.token.env())
            .status()?;
        if status.success() { Ok(()) } else { Err(format!("filling ended with {status}").into()) }
    }

    /// A plan of deliveries to its holders.
    pub fn plan(&self, size: usize, workers: usize, count: u64) -> Plan {
        Plan {
            path: SERVICE.to_owned(),
            sender: AUTHORITY.to_owned(),
            recipients: (0..self.mailboxes).map(identity::person).collect(),
            size,
            workers,
            count,
            rate: None,
        }
    }

    /// The authority's connection and its signing key.
    ///
    /// # Errors
    /// [`BenchError`] where the credentials cannot be read.
    pub fn authority(&self) -> Result<(Peer, Signer), BenchError> {
        let own = Credentials::load(&self.installation.pki(), "authority")?;
        Ok((self.installation.sender("authority"), own.signer()?))
    }

    /// Starts the stopped daemon and times it by its own word to the service manager.
    ///
    /// # Errors
    /// [`BenchError`] where it does not become ready.
    pub fn start(&mut self) -> Result<Started, BenchError> {
        let path = self.installation.path("notify.sock");
        std::fs::remove_file(&path).ok();
        let manager = UnixDatagram::bind(&path)?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let mut command = self.installation.mbxd();
        command.env("NOTIFY_SOCKET", &path);
        let began = Instant::now();
        self.installation.spawn_as(command);
        let mut word = [0; 4096];
        loop {
            let len = manager.recv(&mut word)?;
            let said = String::from_utf8_lossy(word.get(..len).unwrap_or_default());
            if said.lines().any(|line| line == "READY=1") {
                break;
            }
        }
        let ready = began.elapsed();
        self.installation.wait_for_token();
        Ok(Started { ready, open: began.elapsed() })
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("mailboxes", &self.mailboxes).finish_non_exhaustive()
    }
}
