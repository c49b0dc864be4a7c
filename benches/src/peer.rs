//! The peer: Dovecot with `mail_crypt` and `mail_fsync=always`, set up and loaded by the scripts of
//! the peers' folder.

use crate::BenchError;
use crate::process::named;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Users of the peer; as many as we have mailboxes.
pub const USERS: u32 = 200;

const LMTP_PORT: u16 = 22_424;
const IMAP_PORT: u16 = 22_143;

/// A running peer. Dropped, it is stopped.
#[derive(Debug)]
pub struct Dovecot {
    scripts: PathBuf,
    master: Child,
}

/// What its load client prints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeerOutcome {
    /// Acknowledged or fetched a second.
    pub per_second: f64,
    /// Median latency in milliseconds.
    pub p50_ms: f64,
    /// 99 % latency in milliseconds.
    pub p99_ms: f64,
}

impl Dovecot {
    /// Sets it up in a folder, starts it, and gives every user a mailbox with messages of 50 KB.
    ///
    /// # Errors
    /// [`BenchError`] where a script fails: root is needed, and Debian's packages; and where another
    /// one listens already, left behind by a run that was killed.
    pub fn start(scripts: &Path, folder: &Path) -> Result<Self, BenchError> {
        refuse_left_over(&[LMTP_PORT, IMAP_PORT])?;
        let data = folder.join("dovecot");
        std::fs::create_dir_all(&data)?;
        let set_up = Command::new("bash")
            .arg(scripts.join("setup.sh"))
            .env("PEER_DIR", &data)
            .env("USERS", USERS.to_string())
            .env("FORMAT", "mdbox")
            .env("KEYS", "user")
            .env("LMTP_PORT", LMTP_PORT.to_string())
            .env("IMAP_PORT", IMAP_PORT.to_string())
            .stdout(Stdio::null())
            .status()?;
        if !set_up.success() {
            return Err(format!("the peer's setup.sh: {set_up}").into());
        }
        // It ends with us, also where we are killed.
        let master = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "dovecot", "-F", "-c"])
            .arg(data.join("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let peer = Self { scripts: scripts.to_owned(), master };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", LMTP_PORT)).is_err() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err("the peer does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Those whose mailboxes are read surely get something to read, then everybody.
        let second = Duration::from_secs(1);
        peer.load(50 * 1024, 4, second, &["--port", &LMTP_PORT.to_string(), "--users", "4"])?;
        peer.deliver(50 * 1024, 8, 5 * second)?;
        Ok(peer)
    }

    /// Deliveries over LMTP in closed loops.
    ///
    /// # Errors
    /// [`BenchError`] where the client fails.
    pub fn deliver(
        &self,
        size: usize,
        senders: usize,
        time: Duration,
    ) -> Result<PeerOutcome, BenchError> {
        self.load(size, senders, time, &["--port", &LMTP_PORT.to_string()])
    }

    /// Fetches of whole messages over IMAP in closed loops, each client logged in once.
    ///
    /// # Errors
    /// [`BenchError`] where the client fails.
    pub fn fetch(&self, clients: usize, time: Duration) -> Result<PeerOutcome, BenchError> {
        self.load(0, clients, time, &["--port", "0", "--imap-port", &IMAP_PORT.to_string()])
    }

    fn load(
        &self,
        size: usize,
        clients: usize,
        time: Duration,
        more: &[&str],
    ) -> Result<PeerOutcome, BenchError> {
        let output = Command::new("python3")
            .arg(self.scripts.join("lmtp_load.py"))
            .args(["--size", &size.to_string(), "--conns", &clients.to_string()])
            .args(["--seconds", &time.as_secs_f64().to_string(), "--users", &USERS.to_string()])
            .args(more)
            .stderr(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        outcome(&text).ok_or_else(|| format!("the peer's client said: {text}").into())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = i32::try_from(self.master.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        self.master.wait().ok();
    }
}

/// Says which process is to be ended where somebody listens on one of the peer's ports.
fn refuse_left_over(ports: &[u16]) -> Result<(), BenchError> {
    let taken = |port: &&u16| std::net::TcpStream::connect(("127.0.0.1", **port)).is_ok();
    let Some(port) = ports.iter().find(taken) else { return Ok(()) };
    let pids = named("dovecot").iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let who = if pids.is_empty() { "a program".to_owned() } else { format!("dovecot ({pids})") };
    Err(format!("{who} listens on port {port} already, left behind by another run: end it").into())
}

/// Reads `… rate=12/s … p50=1.00ms p99=2.00ms …`.
fn outcome(text: &str) -> Option<PeerOutcome> {
    let line = text.lines().rfind(|line| line.contains(" rate="))?;
    let value = |name: &str, unit: &str| {
        let word = line.split(' ').find_map(|word| word.strip_prefix(name))?;
        word.strip_suffix(unit)?.parse().ok()
    };
    Some(PeerOutcome {
        per_second: value("rate=", "/s")?,
        p50_ms: value("p50=", "ms")?,
        p99_ms: value("p99=", "ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_was_left_behind_is_named_and_a_free_port_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusal = refuse_left_over(&[port]).unwrap_err().to_string();
        assert!(refusal.contains(&format!("port {port} already")), "{refusal}");
        drop(listener);
        assert!(refuse_left_over(&[port]).is_ok());
    }

    #[test]
    fn the_clients_line_is_read_and_anything_else_is_not() {
        let line = "lmtp size=51200 conns=8 ok=10 failed=0 rate=181/s 9.3MB/s p50=4.25ms p99=90.10ms max=91.0ms";
        let read = PeerOutcome { per_second: 181.0, p50_ms: 4.25, p99_ms: 90.1 };
        assert_eq!(outcome(&format!("b'450 4.2.0'\n{line}\n")), Some(read));
        assert_eq!(outcome("a client process gave no result"), None);
    }
}
