//! The program as a process: exit codes, streams, environment, closed pipes, Ctrl-C.
#![expect(clippy::unwrap_used, reason = "a test may fail by it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Output, Stdio};

const MBXCTL: &str = env!("CARGO_BIN_EXE_mbxctl");
const NUMBER: &str = "191212121212";

/// mbxctl in surroundings of its own.
fn mbxctl(words: &[&str]) -> Command {
    let mut command = Command::new(MBXCTL);
    command.args(words).env_clear().env("LANG", "C.UTF-8").env("TZ", "UTC");
    command.env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    mbxctl(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A daemon that gives every connection the same answer; `None` after the body: keeps it open.
fn daemon(head: &'static str, body: String, keep_open: bool) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
            if keep_open {
                kept.push(stream);
            }
        }
    });
    let name = socket.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn each_way_to_fail_before_the_daemon_has_its_exit_code() {
    let cases: &[(&[&str], i32)] = &[
        (&["frobnicate"], 64),
        (&["user", "list", "--limit", "0"], 64),
        (&["user", "list", "-o", "xml"], 64),
        (&["user"], 64),
        (&["config", "check", "/does/not/exist"], 66),
        (&["audit", "verify", "/does/not/exist"], 66),
        (&["user", "register", "--from-file", "/does/not/exist"], 66),
        (&["explain", "MBX-0001"], 67),
        (&["--socket", "/does/not/exist", "status"], 69),
        (&["--socket", "/does/not/exist", "user", "list"], 69),
        (&["whoami"], 77),
        (&["logout"], 77),
        (&["--help"], 0),
        (&["user", "register", "-h"], 0),
        (&["--version"], 0),
        (&["version"], 0),
        (&["explain", "MBX-2041"], 0),
        (&["audit", "event", "list"], 0),
        (&["completion", "bash"], 0),
        (&["help", "user", "register"], 0),
        (&["--socket", "/does/not/exist", "doctor", "socket"], 1),
    ];
    for (words, code) in cases {
        let output = run(words);
        assert_eq!(output.status.code(), Some(*code), "{words:?}: {}", text(&output.stderr));
    }
}

#[test]
fn errors_go_to_stderr_and_are_json_where_json_was_asked_for() {
    let output = run(&["frobnicate", "-o", "json"]);
    assert!(output.stdout.is_empty());
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["schema"], "mbxctl/error/1");
    assert_eq!(
        (&error["error"]["code"], &error["error"]["exit"]),
        (&"MBX-1001".into(), &64.into())
    );
    let output = mbxctl(&["frobnicate"]).env("MBXCTL_OUTPUT", "jsonl").output().unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stderr).is_ok());
}

#[test]
fn a_slip_of_the_hand_is_answered_with_one_suggestion() {
    let output = run(&["usr", "list"]);
    assert!(text(&output.stderr).contains("did you mean user?"), "{}", text(&output.stderr));
}

#[test]
fn a_mistyped_command_never_repeats_a_whole_number() {
    let output = run(&["user", "list", NUMBER]);
    let said = text(&output.stderr);
    assert!(said.contains("19121212-••••") && !said.contains(NUMBER), "{said}");
}

#[test]
fn numbers_in_arguments_can_be_refused_by_configuration() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("mbxctl");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "[cli]\nnumbers_in_arguments = \"refuse\"\n")
        .unwrap();
    let output =
        mbxctl(&["user", "show", NUMBER]).env("XDG_CONFIG_HOME", home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("MBX-1019"), "{}", text(&output.stderr));
    std::fs::write(folder.join("config.toml"), "[cli]\ncolour = 1\n").unwrap();
    let output = mbxctl(&["status"]).env("XDG_CONFIG_HOME", home.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn colour_and_signs_follow_the_surroundings() {
    let explain = ["explain", "MBX-2041", "--color", "always"];
    assert!(text(&mbxctl(&explain).output().unwrap().stdout).contains("\u{1b}[2m"));
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let output = mbxctl(&["explain", "MBX-2041"]).env(name, value).output().unwrap();
        assert!(!text(&output.stdout).contains('\u{1b}'), "{name}");
    }
    let output = mbxctl(&["explain", "MBX-0001"]).env("LANG", "C").output().unwrap();
    assert!(
        output.stderr.is_ascii() && output.stderr.starts_with(b"x "),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = mbxctl(&["audit", "event", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!said.contains("panicked") && !said.contains('✗'), "{said}");
}

#[test]
fn another_major_version_exits_76_and_a_stranger_on_the_socket_69() {
    let (_folder, socket) = daemon(
        "HTTP/1.1 404 Not Found\r\nmbx-api: 2.0\r\ncontent-length: 0\r\n\r\n",
        String::new(),
        false,
    );
    let output = run(&["--socket", &socket, "version", "--check"]);
    assert_eq!(output.status.code(), Some(76), "{}", text(&output.stderr));
    let (_folder, socket) =
        daemon("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "{}".to_owned(), false);
    assert_eq!(run(&["--socket", &socket, "version", "--check"]).status.code(), Some(69));
}

#[test]
fn a_daemon_that_does_not_answer_is_given_up_after_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    let output = run(&["--socket", socket.to_str().unwrap(), "--timeout", "50ms", "status"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(text(&output.stderr).contains("MBX-1017"), "{}", text(&output.stderr));
}

#[test]
fn ctrl_c_stops_following_and_says_that_the_job_goes_on() {
    let job = format!("job_{}", "ab".repeat(16));
    let event = format!(
        "{{\"time\":\"2026-11-24T02:41:10.411Z\",\"job\":{{\"job\":\"{job}\",\"what\":\"mailbox verify\",\
         \"state\":\"running\",\"by\":\"anna\",\"started\":\"2026-11-24T02:41:10.411Z\",\
         \"updated\":\"2026-11-24T02:41:10.411Z\",\"done\":1,\"total\":2,\"failed\":0}}}}\n"
    );
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    let head = "HTTP/1.1 200 OK\r\nmbx-api: 1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    let (_folder, socket) = daemon(head, chunk, true);
    let mut child = mbxctl(&["--socket", &socket, "job", "follow", &job, "--progress", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("mbxctl/progress/1"), "{line}");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("job_abababab continues.   → mbxctl job follow job_abababab"), "{rest}");
}
