//! `doctor`: looks at this machine from outside; needs no daemon and changes nothing.

use super::config::check_config;
use super::offline::finding;
use super::status::tone;
use crate::cli::DoctorArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::now;
use crate::output::{Answer, Line};
use mbx_common::control::route::Route;
use mbx_common::control::status::Level;
use mbx_common::control::version::Version;
use mbx_common::explain;
use serde::Serialize;
use serde_json::json;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Every check, in order.
const CHECKS: [&str; 6] = ["socket", "daemon", "config", "permissions", "clock", "disk"];

/// Below so many per cent free, the disk needs attention.
const FREE_PCT_MIN: u64 = 10;

/// A build is never from the future: an earlier clock is wrong.
const CLOCK_EARLIEST_YEAR: &str = "2026-01-01T00:00:00Z";

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
    let mut findings = Vec::new();
    for check in CHECKS.into_iter().filter(|check| wanted(check)) {
        findings.push(match check {
            "socket" => socket(&context.settings.socket),
            "daemon" => daemon(context).await,
            "config" => config(&arguments.config, &arguments.mbxd),
            "permissions" => permissions(&arguments.config),
            "clock" => clock(),
            _ => disk(),
        });
    }
    Ok(show(&findings, arguments.fix_hints))
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

fn config(file: &Path, mbxd: &Path) -> Finding {
    if !file.exists() {
        return found("config", Level::Wrong, format!("{} does not exist", file.display()))
            .next("name it with --config FILE");
    }
    match check_config(file, mbxd) {
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
