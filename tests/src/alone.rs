//! Runs the body of a test in a process of its own.
//!
//! The test's binary is started again with `--exact <name>` and a mark in the environment; the
//! child runs the body, the parent waits for it. A child that ran nothing fails its test: it must
//! leave a file behind.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{any, env, fs};

/// How long a child may take: several times what the slowest test needs on a busy machine.
pub const DEADLINE: Duration = Duration::from_mins(3);

const CHILD_MARK: &str = "MBX_ALONE_DONE";

/// Whether this process is the child. It leaves the mark that proves that the body was reached.
pub(crate) fn is_child() -> bool {
    let Some(mark) = env::var_os(CHILD_MARK) else { return false };
    File::create(mark).expect("the child's mark");
    true
}

/// The path of the test that a closure of type `F` stands in, as the test runner spells it.
pub(crate) fn test_name<F>() -> String {
    let path = any::type_name::<F>();
    let within = path.split_once("::").map_or(path, |(_crate, rest)| rest);
    let end = within.find("::{{closure}}").unwrap_or(within.len());
    within.get(..end).unwrap_or(within).to_owned()
}

/// Runs one test of this binary again, alone, with more environment.
pub(crate) fn run_child(test: &str, env: &[(&str, String)], dir: &Path) {
    let mark = dir.join("alone.done");
    let log = dir.join("alone.log");
    let output = File::create(&log).expect("a file for the child's output");
    let mut child = Command::new(env::current_exe().expect("this program's path"))
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env(CHILD_MARK, &mark)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        .spawn()
        .expect("the test's own process");
    let success = wait(&mut child);
    let said = fs::read_to_string(&log).unwrap_or_default();
    assert!(success == Some(true), "{test} in its own process (ended: {success:?}):\n{said}");
    assert!(mark.exists(), "{test} was not found in this binary:\n{said}");
}

/// Whether the child succeeded; `None` where it had to be stopped.
fn wait(child: &mut Child) -> Option<bool> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().expect("the child's status") {
            return Some(status.success());
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("the child stops");
    child.wait().expect("the child's status");
    None
}
