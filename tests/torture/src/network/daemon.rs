//! The attacked daemon and what it holds.

use mbx_tests::installation::{FIRST, Installation, Setup};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// Bounds that a round reaches; a log as an operator has it.
const CONFIG: &str = r#"
[log]
level = "info"
[delivery]
memory_max = "128 MiB"
"#;

/// How long a probe or a command may take, and how long until what an attack took is given back.
const PATIENCE: Duration = Duration::from_secs(45);

/// Descriptors more than at the start that are nothing: the log's next segment, a kept connection.
const DESCRIPTORS_MORE: usize = 16;

/// Resident memory more than at the start that is nothing: freed memory that the allocator keeps.
const RESIDENT_MORE_KIB: u64 = 192 * 1024;

/// The daemon, and whoever knows it.
pub(super) struct Daemon {
    pub(super) installation: Installation,
}

/// What the daemon holds.
pub(super) struct Figures {
    pub(super) descriptors: usize,
    pub(super) resident_kib: u64,
}

impl Daemon {
    /// A daemon that may open 1,024 files, set up.
    pub(super) fn start() -> Self {
        let setup = Setup { config: CONFIG.to_owned(), ..Setup::default() };
        let mut installation = Installation::new(&setup);
        installation.spawn_as(limited(&installation.mbxd()));
        installation.wait_until("the daemon answers", |installation| {
            UnixStream::connect(installation.path("control.sock")).is_ok()
        });
        installation.wait_for_token();
        installation.init();
        installation.allow_authority();
        Self { installation }
    }

    pub(super) fn figures(&self) -> Figures {
        let descriptors = fs::read_dir(self.proc("fd")).map_or(0, Iterator::count);
        Figures { descriptors, resident_kib: self.status("VmRSS:") }
    }

    /// Most memory that it ever had.
    pub(super) fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// Waits until what an attack took is given back; tells what is not.
    pub(super) fn rests(&self, start: &Figures) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let now = self.figures();
            let descriptors = now.descriptors <= start.descriptors + DESCRIPTORS_MORE;
            let resident = now.resident_kib <= start.resident_kib + RESIDENT_MORE_KIB;
            if descriptors && resident {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!(
                    "{} descriptors and {} KiB are held after it, {} and {} before",
                    now.descriptors, now.resident_kib, start.descriptors, start.resident_kib
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Who of probe and staff gets no answer.
    pub(super) fn unanswered(&self) -> Vec<&'static str> {
        let probe = (!self.probe().contains("200 OK")).then_some("the probe");
        let status = self.installation.mbxctl(FIRST, &["status"]).status;
        let staff = (!status.success()).then_some("the control socket");
        [probe, staff].into_iter().flatten().collect()
    }

    pub(super) fn log(&self) -> String {
        self.installation.log()
    }

    /// Lines of the log, those of answered deliveries not counted.
    pub(super) fn log_lines(&self) -> usize {
        self.log().lines().filter(|line| !line.contains("delivery answered")).count()
    }

    fn probe(&self) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = UnixStream::connect(self.installation.path("health.sock"))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        ask().unwrap_or_default()
    }

    fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(self.proc("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let figure = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        figure.unwrap_or(u64::MAX)
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.installation.pid())
    }
}

/// The same command with 1,024 file descriptors.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 1024 && exec \"$0\" \"$@\""]).arg(command.get_program());
    limited.args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited
}
