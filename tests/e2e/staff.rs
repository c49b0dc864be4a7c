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

const FORMS: [&str; 7] = ["table", "wide", "json", "jsonl", "yaml", "csv", "id"];

#[test]
fn every_list_comes_in_every_form_and_none_shows_a_whole_number_unasked() {
    let installation = Installation::ready(&Setup::default());
    let (number, mailbox) = installation.register(0);
    installation.ok(&["mailbox", "verify", "--all"]);
    let lists: [&[&str]; 9] = [
        &["user", "list"],
        &["mailbox", "list", "--figures"],
        &["mailbox", "message", "list", &mailbox],
        &["delivery", "list"],
        &["sender", "list"],
        &["key", "list"],
        &["cert", "list"],
        &["audit", "search"],
        &["job", "list"],
    ];
    for list in lists {
        for form in FORMS {
            let text = installation.ok(&[list, &["-o", form]].concat());
            assert!(!text.contains(&number), "{list:?} -o {form}");
            assert!(!text.contains('\u{1b}'), "{list:?} -o {form}: colours in a pipe");
            if form == "json" {
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert!(document["data"].is_array() && document["schema"].is_string(), "{text}");
            }
            if form == "jsonl" {
                let lines = text.lines().map(serde_json::from_str::<serde_json::Value>);
                assert!(lines.into_iter().all(|line| line.unwrap()["data"].is_object()), "{text}");
            }
        }
    }
    // Asked for, it is shown, and whose it is stands in the log.
    assert!(installation.ok(&["user", "list", "--reveal"]).contains(&number));
    installation.ok(&["user", "show", &number]);
    for event in ["MBX-A204", "MBX-A208", "MBX-A209"] {
        let told = installation.json(&["audit", "search", "--event", event, "--limit", "1"]);
        let subjects = told["data"][0]["subjects"].to_string();
        assert!(subjects.contains(&mailbox), "{event}: {told}");
    }
}

#[test]
fn mailboxes_are_verified_as_a_job_that_can_be_followed_later() {
    let installation = Installation::ready(&Setup::default());
    installation.register(0);
    let job = installation.ok(&["mailbox", "verify", "--all", "--no-wait", "-o", "id"]);
    let followed = installation.json(&["job", "follow", job.trim()]);
    assert_eq!(followed["data"]["state"], "done", "{followed}");
    assert_eq!(followed["data"]["verified"]["mailboxes"], 1, "{followed}");
    assert_eq!(followed["data"]["done"], followed["data"]["total"]);
    let output = installation.mbxctl(FIRST, &["mailbox", "verify", "--all", "--progress", "json"]);
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    let first = told.lines().next().unwrap();
    let progress: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(progress["work"], "mailbox verify");
    let shown = installation.ok(&["job", "show", job.trim()]);
    assert!(shown.contains("Sound: 1 mailbox"), "{shown}");
}
