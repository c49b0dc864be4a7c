//! `doctor`: looks at this machine from outside; needs no daemon and changes nothing.

use super::config::{Ran, check_config};
use super::offline::finding;
use super::status::tone;
use crate::cli::DoctorArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::now;
use crate::output::{Answer, Line};
use mbx_common::control::Level;
use mbx_common::control::route::Route;
use mbx_common::control::version::Version;
use mbx_common::explain;
use mbx_common::note::Note;
use serde::Serialize;
use serde_json::json;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Every check, in order. Those between `config` and `permissions` are what the daemon's own check
/// of its configuration notes.
const CHECKS: [&str; 13] = [
    "socket",
    "daemon",
    "config",
    "development",
    "token",
    "credentials",
    "scanner",
    "certificates",
    "revocation",
    "permissions",
    "clock",
    "disk",
    "swap",
];

/// Below so many per cent free, the disk needs attention.
const FREE_PCT_MIN: u64 = 10;

/// A build is never from the future: an earlier clock is wrong.
const CLOCK_EARLIEST_YEAR: &str = "2026-01-01T00:00:00Z";

/// How much swap the daemon's unit may use.
const UNIT_SWAP_MAX: &str = "/sys/fs/cgroup/system.slice/mbxd.service/memory.swap.max";

/// What one check found.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// `doctor`.
pub(super) async fn run(context: &mut Context, arguments: &DoctorArgs) -> Result<Answer, Failure> {
    if let Some(unknown) = arguments.checks.iter().find(|check| !CHECKS.contains(&check.as_str())) {
        let message = format!("there is no check {unknown}; there are {}", CHECKS.join(", "));
        return Err(Failure::here(explain::USAGE, message));
    }
    let wanted = |check: &str| {
        arguments.checks.is_empty() || arguments.checks.iter().any(|name| name == check)
    };
    let file = &arguments.config;
    let ran = file.exists().then(|| check_config(file, &arguments.mbxd));
    let mut findings = Vec::new();
    for check in CHECKS.into_iter().filter(|check| wanted(check)) {
        findings.push(match check {
            "socket" => socket(&context.settings.socket),
            "daemon" => daemon(context).await,
            "config" => config(file, ran.as_ref()),
            "permissions" => permissions(file),
            "clock" => clock(),
            "disk" => disk(),
            "swap" => swap(Path::new("/proc/swaps"), Path::new(UNIT_SWAP_MAX)),
            topic => match &ran {
                Some(Ok(ran)) if ran.well => noted(topic, &ran.notes),
                // Why not, `config` tells.
                Some(_) | None if arguments.checks.is_empty() => continue,
                Some(_) | None => found(topic, Level::Attention, "not checked: see config"),
            },
        });
    }
    Ok(show(&findings, arguments.fix_hints))
}

/// What the daemon's check noted on one topic, in one line.
fn noted(topic: &'static str, notes: &[Note]) -> Finding {
    let notes: Vec<&Note> = notes.iter().filter(|note| note.topic.name() == topic).collect();
    let Some(level) = notes.iter().map(|note| note.level).max() else {
        return found(topic, Level::Ok, "nothing to note");
    };
    let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    let finding = found(topic, level, texts.join("; "));
    match topic {
        "development" => finding.next("take development = true out before real mail arrives"),
        "token" => finding.next("man mbxd.toml, section hsm"),
        "credentials" => {
            finding.next("systemd-creds encrypt, as the handbook's \"Installing\" says")
        }
        "scanner" => finding.next("know that nothing is scanned; no scanner can be connected yet"),
        "certificates" => finding.next("replace the files, then mbxctl cert reload"),
        _ => finding.next("see to it that lists are fetched into trust.crl_dir"),
    }
}

fn show(findings: &[Finding], fix_hints: bool) -> Answer {
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    let mut answer = Answer::new("doctor", json!({"findings": findings, "level": worst}));
    for one in findings {
        answer = answer.line(finding(tone(one.level), one.check, 11, &one.found));
        if fix_hints && let Some(next) = &one.next {
            let text = format!("{:17}→ {next}", "");
            answer = answer.line(Line::plain(text));
        }
    }
    if !fix_hints && findings.iter().any(|finding| finding.next.is_some()) {
        answer = answer.hint("mbxctl doctor --fix-hints");
    }
    answer.exit(worst.exit_code())
}

fn found(check: &'static str, level: Level, found: impl Into<String>) -> Finding {
    Finding { check, level, found: found.into(), next: None }
}

impl Finding {
    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

fn socket(path: &Path) -> Finding {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(about) if !about.file_type().is_socket() => {
            found("socket", Level::Wrong, format!("{shown} is no socket"))
        }
        Ok(about) if about.mode() & 0o007 != 0 => {
            let mode = about.mode() & 0o777;
            found("socket", Level::Wrong, format!("{shown} is open to everybody (mode {mode:o})"))
                .next("systemctl restart mbxd.socket")
        }
        Ok(about) => {
            found("socket", Level::Ok, format!("{shown}, mode {:o}", about.mode() & 0o777))
        }
        Err(error) => found("socket", Level::Wrong, format!("{shown}: {error}"))
            .next("systemctl status mbxd, or name it with --socket"),
    }
}

async fn daemon(context: &mut Context) -> Finding {
    match context.client.get::<Version>(Route::Version, None, &()).await {
        Ok(answered) if !answered.value.initialised => {
            let text = format!("mbxd {} answers, not set up yet", answered.value.version);
            found("daemon", Level::Attention, text)
                .next("mbxctl init --officer NAME --officer NAME")
        }
        Ok(answered) => {
            found("daemon", Level::Ok, format!("mbxd {} answers", answered.value.version))
        }
        Err(failure) => {
            let next = failure.hint().unwrap_or_default();
            found("daemon", Level::Wrong, failure.message()).next(next)
        }
    }
}

fn config(file: &Path, ran: Option<&Result<Ran, Failure>>) -> Finding {
    let Some(ran) = ran else {
        return found("config", Level::Wrong, format!("{} does not exist", file.display()))
            .next("name it with --config FILE");
    };
    match ran {
        Ok(ran) if ran.lacks_rights() => {
            let text = "not checked: what it names is for root and the daemon to read";
            found("config", Level::Attention, text).next("run mbxctl doctor as root")
        }
        Ok(ran) if ran.well => found("config", Level::Ok, format!("{} is valid", file.display())),
        Ok(ran) => found("config", Level::Wrong, ran.said.join("; ")).next("mbxctl config check"),
        Err(failure) => {
            found("config", Level::Attention, format!("not checked: {}", failure.message()))
                .next("name the daemon's program with --mbxd FILE")
        }
    }
}

fn permissions(config: &Path) -> Finding {
    let places = [
        (config, 0o022, "may be changed by others"),
        (Path::new("/var/lib/mbxd"), 0o077, "is open to others"),
    ];
    for (place, forbidden, what) in places {
        let Ok(about) = std::fs::metadata(place) else { continue };
        if about.mode() & forbidden != 0 {
            let text = format!("{} {what} (mode {:o})", place.display(), about.mode() & 0o777);
            return found("permissions", Level::Wrong, text)
                .next(format!("chmod go= {}", place.display()));
        }
    }
    found("permissions", Level::Ok, "configuration and state are closed to others")
}

fn clock() -> Finding {
    let now = now::now();
    let earliest = CLOCK_EARLIEST_YEAR.parse();
    if earliest.is_ok_and(|earliest| now < earliest) {
        return found("clock", Level::Wrong, format!("this machine's clock says {now}"))
            .next("timedatectl set-ntp true");
    }
    let synchronised = Path::new("/run/systemd/timesync/synchronized").exists()
        || Path::new("/run/chrony").exists()
        || Path::new("/run/ntpd.pid").exists();
    if synchronised {
        found("clock", Level::Ok, format!("{now}, kept by a time service"))
    } else {
        found("clock", Level::Attention, format!("{now}; no time service is seen"))
            .next("timedatectl set-ntp true")
    }
}

fn disk() -> Finding {
    let place = ["/var/lib/mbxd", "/var/lib"].into_iter().find(|place| Path::new(place).exists());
    let place = place.unwrap_or("/");
    match rustix::fs::statvfs(place) {
        Ok(about) => {
            let free_pct = about.f_bavail.saturating_mul(100) / about.f_blocks.max(1);
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            let text =
                format!("{} free at {place}, {free_pct} %", crate::output::figure::bytes(free));
            if free_pct < FREE_PCT_MIN {
                found("disk", Level::Attention, text)
                    .next("make room before deliveries are refused")
            } else {
                found("disk", Level::Ok, text)
            }
        }
        Err(error) => found("disk", Level::Attention, format!("{place}: {error}")),
    }
}

/// Opened keys must not reach a disk: no swap, or none for the daemon. Core dumps the daemon
/// forbids itself.
fn swap(swaps: &Path, unit: &Path) -> Finding {
    let swaps = std::fs::read_to_string(swaps).unwrap_or_default();
    if swaps.lines().count() <= 1 {
        return found("swap", Level::Ok, "this machine has no swap");
    }
    match std::fs::read_to_string(unit) {
        Ok(most) if most.trim() == "0" => {
            found("swap", Level::Ok, "there is swap, and the daemon's unit may not use it")
        }
        Ok(_) => found("swap", Level::Wrong, "keys in the daemon's memory may be swapped to disk")
            .next("MemorySwapMax=0 in the unit, as it is shipped"),
        Err(_) => found("swap", Level::Attention, "there is swap; the daemon's unit does not run")
            .next("systemctl start mbxd, whose unit sets MemorySwapMax=0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::note::Topic;

    #[test]
    fn swap_is_well_only_where_the_daemon_cannot_use_it() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let none = put("none", "Filename Type Size Used Priority\n");
        let some = put("some", "Filename Type Size Used Priority\n/dev/vdb partition 1 0 -2\n");
        let (zero, most) = (put("zero", "0\n"), put("max", "max\n"));
        let missing = folder.path().join("missing");
        assert_eq!(swap(&none, &most).level, Level::Ok);
        assert_eq!(swap(&some, &zero).level, Level::Ok);
        assert_eq!(swap(&some, &most).level, Level::Wrong);
        assert_eq!(swap(&some, &missing).level, Level::Attention);
    }

    #[test]
    fn notes_of_a_topic_are_one_finding_with_the_worst_level_and_a_next_step() {
        let notes = [
            Note::attention(Topic::Revocation, "one ends"),
            Note::attention(Topic::Scanner, "unscanned"),
            Note::wrong(Topic::Revocation, "one is missing"),
        ];
        let finding = noted("revocation", &notes);
        assert_eq!(
            (finding.level, finding.found.as_str()),
            (Level::Wrong, "one ends; one is missing")
        );
        for topic in Topic::ALL {
            assert!(CHECKS.contains(&topic.name()), "{topic:?}");
            let finding = noted(topic.name(), &notes);
            assert_eq!(finding.level == Level::Ok, finding.next.is_none(), "{topic:?}");
        }
    }
}
