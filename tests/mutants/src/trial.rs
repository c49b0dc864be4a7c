//! The tests on one mutant.

use crate::room::LEFT_OUT;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How it went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// A test failed.
    Caught,
    /// The tests did not end in time, which a person would notice.
    TimedOut,
    /// Nothing noticed it.
    Survived,
}

/// Runs the tests of a program with a mutant, until the first that fails.
pub(crate) fn run(
    program: &Path,
    folder: &Path,
    tests: &str,
    mutant: u32,
    time_max: Duration,
) -> std::io::Result<Verdict> {
    let mut child = Command::new(program)
        .args([tests, "--test-threads", "1"])
        .args(LEFT_OUT.iter().flat_map(|name| ["--skip", name]))
        .current_dir(folder)
        .env("MBX_MUTANT", mutant.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take();
    let (send, failures) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
        for line in lines.map_while(Result::ok) {
            // Two tests that fail at once may share a line.
            if line.contains("FAILED") && send.send(()).is_err() {
                break;
            }
        }
    });
    let end = Instant::now() + time_max;
    // An error that is no timeout: the program closed its output, and ends.
    let heard = failures.recv_timeout(end.saturating_duration_since(Instant::now()));
    let verdict = match heard {
        Ok(()) => Verdict::Caught,
        Err(mpsc::RecvTimeoutError::Timeout) => Verdict::TimedOut,
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            if child.wait()?.success() {
                Verdict::Survived
            } else {
                Verdict::Caught
            }
        }
    };
    if verdict != Verdict::Survived {
        // It may have ended by itself.
        child.kill().ok();
        child.wait()?;
    }
    if verdict == Verdict::Survived {
        reader.join().ok();
    }
    Ok(verdict)
}
