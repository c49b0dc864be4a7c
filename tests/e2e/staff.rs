//! What staff do with the real command line: long work that is interrupted, every form of output.

use mbx_sim::identity;
use mbx_tests::installation::{FIRST, Installation, Setup};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Rows of the file; as many as the issue asks in the long programme.
fn rows() -> u32 {
    if std::env::var_os("MBX_TORTURE").is_some() { 10_000 } else { 1_600 }
}

#[test]
fn a_file_whose_daemon_is_killed_goes_on_where_it_stood_and_registers_each_row_once() {
    let mut installation = Installation::ready(&Setup::default());
    let total = rows();
    let mut text = "number,kind,accepted_at,terms,loa,reference\n".to_owned();
    for index in 0..total {
        writeln!(text, "{},person,,,3,prt_{index}", identity::person(index)).unwrap();
    }
    let file = installation.path("holders.csv");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    for kill in 0..2 {
        let arguments =
            ["user", "register", "--from-file", &file, "--resume", "--progress", "json"];
        let mut command = installation.mbxctl_command(FIRST, &arguments);
        let mut running = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
        // Killed while a batch is on its way, another number of batches later each time.
        for _ in 0..=kill {
            let line = lines.next().unwrap().unwrap();
            assert!(line.contains("mbxctl/progress/1"), "{line}");
        }
        installation.kill();
        let said: Vec<String> = lines.map_while(Result::ok).collect();
        let said = said.join("\n");
        assert_eq!(running.wait().unwrap().code(), Some(69), "{said}");
        assert!(said.contains("--resume"), "it says how to go on: {said}");
        installation.start();
        installation.wait_for_token();
    }
    let waiting = installation.json(&["job", "list"]);
    assert_eq!(waiting["data"].as_array().unwrap().len(), 1, "{waiting}");
    let done = installation.json(&["user", "register", "--from-file", &file, "--resume"]);
    assert_eq!(done["data"]["registered"], total, "{done}");
    assert_eq!(done["data"]["refused"], serde_json::json!([]));
    assert_eq!(installation.json(&["mailbox", "stats"])["data"]["active"], total);
    let jobs = installation.json(&["job", "list"]);
    assert_eq!(jobs["data"].as_array().unwrap().len(), 1, "one job did it all: {jobs}");
    assert_eq!(
        (&jobs["data"][0]["state"], &jobs["data"][0]["done"]),
        (&"done".into(), &total.into())
    );
    // Once more does nothing.
    let again = installation.json(&["user", "register", "--from-file", &file]);
    assert_eq!(again["data"]["registered"], total, "{again}");
    assert_eq!(installation.json(&["mailbox", "stats"])["data"]["active"], total);
    installation.ok(&["audit", "verify"]);
    installation.ok(&["mailbox", "verify", "--all"]);
}
