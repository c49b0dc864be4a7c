//! What the figures were measured on.

use crate::sample::Sample;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Facts of the machine and the build.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// When, UTC.
    pub date: String,
    /// Commit of this checkout, `+` where files differ from it.
    pub commit: String,
    /// The processor's name.
    pub processor: String,
    /// Processors that may be used.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Type of the file system that was written to.
    pub file_system: String,
    /// Median of appending 4 KiB and one `fdatasync`, in microseconds.
    pub sync_us: f64,
    /// Load average when the run began: other work disturbs figures.
    pub load: String,
}

impl Machine {
    /// Looks at the machine; a few syncs in the folder are timed.
    pub fn look(folder: &Path) -> Self {
        let first_line =
            |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        Self {
            date: output("date", &["-u", "+%Y-%m-%d %H:%M"]),
            commit: commit(),
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: kib(&field("/proc/meminfo", "MemTotal")) / 1024,
            kernel: first_line("/proc/sys/kernel/osrelease"),
            file_system: output("stat", &["-f", "-c", "%T", &folder.display().to_string()]),
            sync_us: sync_us(folder),
            load: first_line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    /// Whether a sync costs nothing here, so that the figures say nothing.
    pub fn syncs_are_free(&self) -> bool {
        self.file_system == "tmpfs" || self.file_system == "ramfs"
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} UTC, commit {}\n{} cores of {}, {} MiB, Linux {}\n{}, fdatasync of 4 KiB {:.0} µs, load {}",
            self.date,
            self.commit,
            self.cores,
            self.processor,
            self.memory_mib,
            self.kernel,
            self.file_system,
            self.sync_us,
            self.load,
        )
    }
}

fn commit() -> String {
    let altered = !output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    format!(
        "{}{}",
        output("git", &["rev-parse", "--short", "HEAD"]),
        if altered { "+" } else { "" }
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    )
}

/// Value of the first line `NAME : VALUE`.
pub(crate) fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim() == name);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// The number of `1234 kB`.
pub(crate) fn kib(text: &str) -> u64 {
    text.split(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

fn sync_us(folder: &Path) -> f64 {
    let Ok(mut file) = tempfile::tempfile_in(folder) else { return f64::NAN };
    let times = (0..64).filter_map(|_| {
        let started = Instant::now();
        std::io::Write::write_all(&mut file, &[0x5a; 4096]).ok()?;
        rustix::fs::fdatasync(&file).ok()?;
        Some(started.elapsed().as_secs_f64() * 1e6)
    });
    times.collect::<Sample>().median()
}
