//! A whole installation to be measured: the daemon as it is released, a token in software.

use crate::BenchError;
use mbx_sim::client::Peer;
use mbx_sim::identity;
use mbx_sim::load::Plan;
use mbx_sim::pki::Credentials;
use mbx_sim::sign::Signer;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE, Setup};
use serde::{Deserialize, Serialize};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
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
    /// How many persons were written to.
    written: AtomicU32,
}

/// What an installation is filled with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Mailboxes.
    pub mailboxes: u32,
    /// Messages, small ones.
    pub messages: u64,
}

/// The file that says what a kept store was filled with.
const FILLED: &str = "filled.json";

/// Persons that one run of deliveries goes to, spread over all.
const PERSONS_MAX: u32 = 20_000;

/// Their distance from one another: without a common factor with round counts.
const STRIDE: u32 = 7919;

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
        Self::filled(None, Counts { mailboxes, messages })
    }

    /// The same with its store and token in a folder that stays. Where an earlier run filled it,
    /// that is taken as it is, with a new PKI and configuration around it.
    ///
    /// # Errors
    /// [`BenchError`] where the filling fails, or the folder was filled otherwise or half.
    pub fn kept(folder: &Path, counts: Counts) -> Result<Self, BenchError> {
        Self::filled(Some(folder), counts)
    }

    fn filled(kept: Option<&Path>, counts: Counts) -> Result<Self, BenchError> {
        let config = CONFIG.to_owned();
        let setup = Setup { config, kept: kept.map(Path::to_owned), ..Setup::default() };
        let before = kept.map_or(Ok(None), |folder| was_filled(folder, counts))?;
        let written = AtomicU32::default();
        let mailboxes = counts.mailboxes;
        let mut site = if before.is_some() {
            Self { installation: Installation::new(&setup), mailboxes, written }
        } else {
            let installation = Installation::ready(&setup);
            let mut site = Self { installation, mailboxes, written };
            site.installation.stop();
            site.fill(counts)?;
            if let Some(folder) = kept {
                std::fs::write(folder.join(FILLED), serde_json::to_vec(&counts)?)?;
            }
            site
        };
        site.installation.start();
        site.installation.wait_for_token();
        Ok(site)
    }

    /// Fills it in a process of its own, because one process has one token.
    fn fill(&self, counts: Counts) -> Result<(), BenchError> {
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(["fill", "--config"])
            .arg(self.installation.path("mbxd.toml"))
            .args(["--mailboxes", &counts.mailboxes.to_string()])
            .args(["--messages", &counts.messages.to_string()])
            .env("CREDENTIALS_DIRECTORY", self.installation.path("credentials"))
            .envs(self.installation.token.env())
            .status()?;
        if status.success() { Ok(()) } else { Err(format!("filling ended with {status}").into()) }
    }

    /// A plan of deliveries to its holders, others each time, all over the store.
    pub fn plan(&self, size: usize, workers: usize, count: u64) -> Plan {
        let persons = self.mailboxes.min(PERSONS_MAX);
        let first = self.written.fetch_add(persons, Ordering::Relaxed);
        let place = |index: u32| {
            let place = u64::from(first.wrapping_add(index)) * u64::from(STRIDE);
            u32::try_from(place % u64::from(self.mailboxes.max(1))).unwrap_or_default()
        };
        Plan {
            path: SERVICE.to_owned(),
            sender: AUTHORITY.to_owned(),
            recipients: (0..persons).map(place).map(identity::person).collect(),
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

/// What an earlier run filled the folder with, where it did.
fn was_filled(folder: &Path, wanted: Counts) -> Result<Option<Counts>, BenchError> {
    let Ok(text) = std::fs::read(folder.join(FILLED)) else {
        let half = folder.join("state").exists();
        let name = folder.display();
        return if half {
            Err(format!("{name} was filled half: remove it").into())
        } else {
            Ok(None)
        };
    };
    let found: Counts = serde_json::from_slice(&text)?;
    if found == wanted {
        return Ok(Some(found));
    }
    let Counts { mailboxes, messages } = found;
    Err(format!("{} holds {mailboxes} mailboxes and {messages} messages", folder.display()).into())
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("mailboxes", &self.mailboxes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { mailboxes: 10, messages: 100 };

    #[test]
    fn a_kept_store_is_taken_as_it_is_or_refused_where_it_holds_something_else() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(was_filled(folder.path(), COUNTS).unwrap(), None);
        std::fs::write(folder.path().join(FILLED), serde_json::to_vec(&COUNTS).unwrap()).unwrap();
        assert_eq!(was_filled(folder.path(), COUNTS).unwrap(), Some(COUNTS));
        let other = Counts { messages: 101, ..COUNTS };
        let refusal = was_filled(folder.path(), other).unwrap_err().to_string();
        assert!(refusal.ends_with("holds 10 mailboxes and 100 messages"), "{refusal}");
    }

    #[test]
    fn a_store_whose_filling_was_broken_off_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        assert!(was_filled(folder.path(), COUNTS).unwrap_err().to_string().contains("half"));
    }
}
