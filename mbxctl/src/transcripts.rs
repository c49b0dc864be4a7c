//! What people and machines see of every command, against a daemon that answers from a table.

use crate::command;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Answer, error};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mbx_common::control::route::Route;
use mbx_common::control::{Problem, header};
use mbx_common::error::Code;
use mbx_common::explain;
use mbx_common::id::RequestId;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const MAILBOX: &str = "mbx_4f3a9c21000000000000000000000001";
const NUMBER: &str = "191212121212";
const NOW: &str = "2026-11-24T02:41:10.411Z";

/// A daemon that answers from a table and keeps what it was asked.
struct Daemon {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Daemon {
    fn start(answer: fn(Route) -> Result<Value, Code>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let log = Arc::clone(&log);
                let service = hyper::service::service_fn(move |request| {
                    let log = Arc::clone(&log);
                    async move { Ok::<_, Infallible>(reply(request, answer, &log).await) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { socket, asked, _folder: folder }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs a command; gives its answer or failure and the screen it would be written on.
    async fn run(
        &self,
        words: &[&str],
        width: Option<usize>,
    ) -> (Result<Answer, Failure>, Context) {
        let (context, command) = Context::for_test(words, &self.socket, width);
        let (screen, _) = Context::for_test(words, &self.socket, width);
        (command::run(context, command).await, screen)
    }

    /// The transcript of a command: stdout, stderr, exit code.
    async fn transcript(&self, words: &[&str], width: Option<usize>) -> String {
        let (result, context) = self.run(words, width).await;
        let prompt = format!("$ mbxctl {}\n", words.join(" "));
        match result {
            Ok(mut answer) => {
                let exit = answer.exit;
                let (out, err) = context.screen.transcript(&mut answer).unwrap();
                format!("{prompt}{out}{err}exit {exit}\n")
            }
            Err(failure) => {
                let err = if context.screen.format.is_machine() {
                    format!("{}\n", error::machine(&failure))
                } else {
                    let lines = error::people(&failure);
                    lines.iter().map(|line| line.text() + "\n").collect()
                };
                format!("{prompt}{err}exit {}\n", failure.exit_code())
            }
        }
    }
}

async fn reply(
    request: Request<Incoming>,
    answer: fn(Route) -> Result<Value, Code>,
    log: &Mutex<Vec<String>>,
) -> Response<Full<bytes::Bytes>> {
    let (head, body) = request.into_parts();
    let (route, _) = Route::find(head.method.as_str(), head.uri.path()).unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let line = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
    log.lock().unwrap().push(line.trim_end().to_owned());
    let id = RequestId::from_bytes([7; 16]);
    let (status, text) = match answer(route) {
        Ok(Value::String(lines)) => (200, lines),
        Ok(value) => (200, value.to_string()),
        Err(code) => {
            let mut problem = Problem::new(code, "the daemon says no", id);
            if code == explain::ROLE_MISSING {
                problem.detail = "this needs the role registrar; you have auditor".to_owned();
                problem.have = vec![mbx_common::role::Role::Auditor];
                problem.need = vec![mbx_common::role::Role::Registrar];
            }
            (problem.status, serde_json::to_string(&problem).unwrap())
        }
    };
    Response::builder()
        .status(status)
        .header(header::API, "1.0")
        .header(header::REQUEST_ID, id.to_string())
        .body(Full::new(text.into()))
        .unwrap()
}

fn id(prefix: &str, byte: u8) -> String {
    format!("{prefix}_{}", format!("{byte:02x}").repeat(16))
}

fn org(place: usize) -> &'static str {
    ["162021004748", "165568402266"][place]
}

/// What a healthy daemon answers. Numbers stand masked: the daemon masks them.
#[expect(clippy::too_many_lines, clippy::unnecessary_wraps, reason = "a table")]
fn healthy(route: Route) -> Result<Value, Code> {
    Ok(match route {
        Route::Version => {
            json!({"product": "mbxd", "version": env!("CARGO_PKG_VERSION"), "api_major": 1, "api_minor": 0, "initialised": true})
        }
        Route::Status => status("ok", "ready"),
        Route::Whoami => session(),
        Route::Password | Route::Logout => json!({}),
        Route::UserFind => json!({"mailbox": MAILBOX}),
        Route::UserRegister => {
            json!({"mailbox": MAILBOX, "number": "19121212-••••", "kind": "person", "loa": 3, "terms": "2026-05", "kek": "kek-basic-1", "registry": "not-told", "audit": 88_214_911})
        }
        Route::UserBatch => {
            json!({"job": id("job", 0xab), "next_row": 2, "registered": 1, "refused": [{"row": 1, "code": "MBX-4002", "reason": "the holder has a mailbox already"}], "finished": true})
        }
        Route::UserList => json!({"rows": [
            {"mailbox": MAILBOX, "number": "19121212-••••", "kind": "person", "state": "active", "since": NOW},
            {"mailbox": id("mbx", 0x5e), "kind": "association", "state": "suspended", "since": NOW},
        ], "next": id("mbx", 0x5e), "total": 3}),
        Route::UserShow => {
            json!({"mailbox": MAILBOX, "number": "19121212-••••", "kind": "person", "state": "active", "since": NOW, "registered": NOW,
            "terms": {"version": "2026-05", "sha256": "ab".repeat(32), "accepted_at": NOW, "loa": 3, "reference": "prt_51c0", "current": true},
            "registry": "not-told", "contents": contents(), "epochs": [1, 1]})
        }
        Route::UserSuspend => json!({"mailbox": MAILBOX, "state": "suspended", "audit": 12}),
        Route::UserResume => {
            json!({"hash": "9f3c71aa".repeat(8), "steps": ["take deliveries again"]})
        }
        Route::MailboxList => json!({"rows": [
            {"mailbox": MAILBOX, "kind": "person", "state": "active", "since": NOW, "figures": {"messages": 128, "unread": 3, "bytes": 43_201_300, "epochs": [1, 1]}},
        ], "total": 1}),
        Route::MailboxShow => {
            json!({"mailbox": MAILBOX, "kind": "person", "state": "active", "registered": NOW, "contents": contents(), "epochs": [2, 1]})
        }
        Route::MailboxStats => {
            json!({"active": 4_190_233, "suspended": 12, "messages": 88_214_907, "unread": 1_000_000, "bytes": 442_381_631_488_u64, "by_class": [80_000_000, 14_907, 8_200_000], "counted": NOW})
        }
        Route::MailboxVerify => json!({"job": id("job", 0xac)}),
        Route::MessageList => json!({"rows": [
            {"message": id("msg", 0x11), "delivery": id("dlv", 0x8a), "sender": org(0), "received": NOW, "class": 3, "bytes": 318_204, "read": true},
            {"message": id("msg", 0x12), "delivery": id("dlv", 0x8b), "sender": org(0), "received": NOW, "class": 1, "bytes": 5_120, "read": false, "deleted": NOW},
        ]}),
        Route::DeliveryList => {
            json!({"rows": [delivery(), {"received": NOW, "request": id("req", 9), "sender": org(1), "result": "refused", "recipients": 1, "bytes": 120, "fault": 5004, "reason": "the seal's certificate was revoked", "count": 3}]})
        }
        Route::DeliveryTrace => {
            json!({"delivery": delivery(), "sender_ids": ["2f0e77c1"], "stages": [
            {"name": "received", "at_us": 900, "detail": "318 204 bytes"}, {"name": "signature", "at_us": 3100, "detail": "inner and outer ok"}, {"name": "durable", "at_us": 10_900}],
            "mailboxes": [MAILBOX], "repeats": 1, "audit": 88_213_320})
        }
        Route::SenderList => json!({"rows": [sender()], "total": 1}),
        Route::SenderShow => sender(),
        Route::SenderAllow | Route::SenderBlock => json!({"sender": sender(), "audit": 77}),
        Route::KeyStatus => {
            json!({"keys": [key("kek-basic", 2, "active"), key("kek-basic", 1, "retired")], "open": true, "cached": 1912, "keyring_records": 12})
        }
        Route::KeyList => {
            json!({"rows": [key("kek-basic", 2, "active"), key("kek-basic", 1, "retired")], "total": 2})
        }
        Route::KeyLookup => json!({"secret": "5e".repeat(32)}),
        Route::HsmStatus | Route::HsmLogin | Route::HsmLogout => {
            json!({"state": "down", "token": "luna-a/MBX", "serial": "4711", "model": "Luna 7", "epoch": 7, "since_s": 180, "next_try_s": 8, "queue_len": 0, "workers_lost": 1, "opened": [{"purpose": "kek-basic", "count": 1912}], "cause": "CKR_DEVICE_REMOVED"})
        }
        Route::HsmTest => json!({"token": "Luna 7 · cryptoki 2.40", "usable": false, "checks": [
            {"name": "AES-GCM with AAD", "needed": true, "level": "ok", "detail": "as it should be"},
            {"name": "key is not extractable", "needed": true, "level": "wrong", "detail": "CKA_EXTRACTABLE is true"},
            {"name": "seal", "needed": false, "level": "ok", "detail": "median 400 µs", "per_s": 2400}]}),
        Route::CertList => json!({"rows": [certificate()], "total": 1}),
        Route::CertShow => certificate(),
        Route::CertReload => {
            json!({"changed": ["delivery-server-1"], "unchanged": 3, "audit": 78, "refused": [{"file": "/etc/mbx/crl/old.crl", "reason": "the list is outdated"}]})
        }
        Route::AuditSearch => json!({"rows": [entry(88_214_911)], "total": 1}),
        Route::AuditTail => Value::String(format!("{}\n{}\n", entry(1), entry(2))),
        Route::AuditVerify => {
            json!({"sound": false, "origin": "mbx.example/log", "first": 0, "entries": 3_114_220, "root": "51fe".repeat(16), "checkpoints": 744, "covered": 3_114_000, "anchors": 1, "keys_from_outside": true, "findings_total": 1, "findings": ["entry 4711 was altered"], "unchecked": []})
        }
        Route::JobList => json!({"rows": [job("running"), job("failed")], "total": 2}),
        Route::JobShow => job("running"),
        Route::JobEvents => Value::String(format!(
            "{}\n{}\n",
            json!({"time": NOW, "job": job("running")}),
            json!({"time": NOW, "job": verified()})
        )),
        Route::ConfigShow => {
            json!({"keys": [{"key": "paths.state", "value": "\"/srv/mbx\"", "origin": "/etc/mbx/mbxd.toml:12"}, {"key": "operators.session_idle", "value": "\"15 min\""}, {"key": "hsm.sessions", "value": "4", "after_restart": "8"}], "files": ["/etc/mbx/mbxd.toml"]})
        }
        Route::Init => {
            json!({"installation": id("ins", 1), "officers": [{"id": id("opr", 1), "name": "anna", "roles": ["registrar", "security-officer"]}, {"id": id("opr", 2), "name": "bo", "roles": ["security-officer"]}], "token": "mbx-demo", "keys": ["kek-basic-1", "sign-1"], "audit": 1})
        }
        Route::Login => json!({"token": "ab".repeat(32), "session": session()}),
        Route::AuditExport => Value::String("export".to_owned()),
    })
}

fn session() -> Value {
    json!({"id": id("ses", 3), "operator": id("opr", 1), "name": "anna", "roles": ["registrar", "security-officer"], "since": NOW, "until": "2026-11-24T12:41:10Z", "idle_until": "2026-11-24T02:56:10Z", "password_due": false})
}

fn status(read: &str, hsm: &str) -> Value {
    json!({"version": "1.0.0", "host": "brev1", "time": "2026-11-24T02:41:10Z", "started": "2026-10-14T02:41:10Z", "phase": "open",
        "deliver": {"level": "ok", "accepted_per_min": 214, "median_us": 11_000, "refused_today": 1, "last_refused": "2026-11-24T01:10:00Z"},
        "read": {"level": read, "open_mailboxes": 1912},
        "admin": {"level": "ok", "sessions": 2, "approvals_waiting": 0, "jobs_running": 1},
        "hsm": {"level": if hsm == "ready" { "ok" } else { "wrong" }, "state": hsm, "token": "luna-a/MBX", "since_s": 180, "next_try_s": 8},
        "store": {"level": "ok", "used_bytes": 442_381_631_488_u64, "free_bytes": 259_811_751_936_u64},
        "audit": {"level": "ok", "entries": 88_214_907, "checkpoint": "2026-11-24T02:00:00Z", "unsigned_entries": 12},
        "certificates": {"level": "attention", "name": "delivery-server-1", "not_after": "2026-12-13T02:41:10Z", "stale_crls": 0}})
}

fn degraded(route: Route) -> Result<Value, Code> {
    if route != Route::Status {
        return healthy(route);
    }
    let mut status = status("attention", "down");
    status["read"]["reason"] = json!("HSM not answering since 02:38");
    status["read"]["cached_until"] = json!("2026-11-24T02:53:00Z");
    status["next"] =
        json!({"command": "mbxctl hsm test", "why": "what the token says", "code": "MBX-3007"});
    Ok(status)
}

fn contents() -> Value {
    json!({"messages": 128, "unread": 3, "deleted": 2, "bytes": 43_201_300, "by_class": [90, 31, 7], "last_in": NOW})
}

fn delivery() -> Value {
    json!({"received": NOW, "delivery": id("dlv", 0x8a), "request": id("req", 8), "sender": org(0), "dispatcher": org(1), "result": "accepted", "class": 3, "recipients": 1, "bytes": 318_204, "count": 1})
}

fn sender() -> Value {
    json!({"organisation": org(0), "name": "Example Authority", "state": "allowed", "since": NOW, "dispatchers": [{"organisation": org(1), "sign": false, "seal": true}]})
}

fn key(purpose: &str, version: u32, state: &str) -> Value {
    json!({"id": id("key", 0x77), "purpose": purpose, "version": version, "algorithm": "AES-256", "state": state, "created": NOW, "mailboxes": 4_190_233, "loss": "no message of classes 1 and 2 can be opened again"})
}

fn certificate() -> Value {
    json!({"name": "delivery-server-1", "usage": "delivery-server", "subject": "CN=mbx.example", "sha256": "5f1c".repeat(16), "not_before": NOW, "not_after": "1999-12-31T00:00:00Z", "level": "wrong", "file": "/etc/mbx/server.pem"})
}

fn entry(position: u64) -> Value {
    json!({"position": position, "time": NOW, "event": "MBX-A201", "title": "mailbox registered", "actor": "anna", "role": "registrar", "result": "done", "subjects": [MAILBOX, id("psn", 4)], "facts": ["class 2"], "reason": "by letter", "ticket": "S-20431"})
}

fn job(state: &str) -> Value {
    json!({"job": id("job", 0xab), "what": "user register", "state": state, "by": "anna", "started": NOW, "updated": NOW, "done": 2_011_870, "total": 4_190_233, "failed": 0})
}

/// A verification at its end.
fn verified() -> Value {
    let mut job = job("done");
    job["what"] = json!("mailbox verify");
    job["failed"] = json!(2);
    job["verified"] = json!({"mailboxes": 1, "messages": 128, "bytes": 43_201_300, "findings_total": 2, "findings": [{"mailbox": MAILBOX, "message": id("msg", 1), "what": "chunk 3 fails its tag"}]});
    job
}

fn nobody(_: Route) -> Result<Value, Code> {
    Err(explain::NOT_LOGGED_IN)
}

fn wrong_role(_: Route) -> Result<Value, Code> {
    Err(explain::ROLE_MISSING)
}

const PEOPLE: &[&[&str]] = &[
    &[],
    &["status"],
    &["status", "--ability", "deliver"],
    &["whoami"],
    &["version", "--check"],
    &["explain", "MBX-3007"],
    &["user", "register", NUMBER, "--loa", "3"],
    &["user", "list"],
    &["user", "list", "-o", "wide"],
    &["user", "list", "--filter", "state=suspended", "--columns", "mailbox,state"],
    &["user", "show", "mbx_4f3a9c21"],
    &["user", "show", NUMBER],
    &["user", "suspend", "mbx_4f3a9c21", "--yes"],
    &["user", "resume", NUMBER, "--dry-run"],
    &["audit", "event", "list", "--limit", "2"],
    &["user", "resume", "mbx_4f3a9c21", "--dry-run"],
    &["mailbox", "list", "--figures"],
    &["mailbox", "show", "mbx_4f3a9c21"],
    &["mailbox", "stats"],
    &["mailbox", "verify", MAILBOX],
    &["mailbox", "verify", "--all", "--no-wait"],
    &["mailbox", "message", "list", "mbx_4f3a9c21"],
    &["delivery", "list"],
    &["delivery", "trace", "dlv_8a8a8a8a"],
    &["sender", "list"],
    &["sender", "show", "162021004748"],
    &["sender", "allow", "2021004748", "--yes"],
    &["key", "status"],
    &["key", "list"],
    &["hsm", "status"],
    &["hsm", "test"],
    &["cert", "list"],
    &["cert", "show", "delivery-server-1"],
    &["cert", "reload"],
    &["audit", "search", "--actor", "anna"],
    &["audit", "tail", "--limit", "2"],
    &["audit", "verify"],
    &["audit", "event", "show", "MBX-A201"],
    &["job", "list"],
    &["job", "show", "job_abababab"],
    &["job", "follow", "job_abababab", "--progress", "none"],
    &["config", "show", "--origin"],
    &["init", "--officer", "anna:R", "--officer", "bo", "--dry-run", "--yes"],
];

#[tokio::test]
async fn people_read_every_command_at_80_and_120_columns_and_in_a_pipe() {
    let daemon = Daemon::start(healthy);
    for (name, width) in [("80", Some(80)), ("120", Some(120)), ("pipe", None)] {
        let mut text = String::new();
        for words in PEOPLE.iter().filter(|words| !words.contains(&"init")) {
            text.push_str(&daemon.transcript(words, width).await);
            text.push('\n');
        }
        insta::assert_snapshot!(format!("people_{name}"), text);
    }
}

#[tokio::test]
async fn machines_read_every_form() {
    let daemon = Daemon::start(healthy);
    let mut text = String::new();
    for form in ["json", "jsonl", "yaml", "csv", "id"] {
        for words in [&["user", "list"][..], &["user", "show", MAILBOX], &["whoami"]] {
            let words = [words, &["-o", form]].concat();
            text.push_str(&daemon.transcript(&words, None).await);
            text.push('\n');
        }
    }
    insta::assert_snapshot!("machines", text);
}

#[tokio::test]
async fn a_daemon_in_trouble_says_what_to_do_and_exits_1() {
    let daemon = Daemon::start(degraded);
    let mut text = daemon.transcript(&["status"], None).await;
    text.push_str(&daemon.transcript(&[], None).await);
    text.push_str(&daemon.transcript(&["status", "--ability", "read"], None).await);
    insta::assert_snapshot!("trouble", text);
}

#[tokio::test]
async fn refusals_are_one_sentence_and_one_step_for_people_and_an_object_for_machines() {
    let mut text = String::new();
    for daemon in [Daemon::start(nobody), Daemon::start(wrong_role)] {
        for words in [&["user", "list"][..], &["user", "list", "-o", "json"]] {
            text.push_str(&daemon.transcript(words, None).await);
        }
    }
    let daemon = Daemon::start(healthy);
    for words in [
        &["user", "suspend", MAILBOX][..],
        &["user", "show", "191212121213"],
        &["explain", "MBX-9999"],
        &["user", "list", "--columns", "colour"],
        &["audit", "verify", "/does/not/exist"],
        &["doctor", "everything"],
        &["hsm", "login", "--yes"],
    ] {
        let (result, context) = daemon.run(words, None).await;
        if let Ok(answer) = result {
            let refused = context.screen.answer(answer).map_err(Failure::from).unwrap_err();
            text.extend(["$ mbxctl ", &words.join(" "), "\n", &refused.message(), "\n"]);
        } else {
            text.push_str(&daemon.transcript(words, None).await);
        }
    }
    insta::assert_snapshot!("refusals", text);
}

#[tokio::test]
async fn no_output_holds_a_full_national_number_and_no_path_carries_one() {
    let daemon = Daemon::start(healthy);
    for words in PEOPLE.iter().filter(|words| !words.contains(&"-o")) {
        for form in ["table", "wide", "json", "jsonl", "yaml", "csv", "id"] {
            let words = [words, &["-o", form][..]].concat();
            let said = daemon.transcript(&words, None).await;
            let said = said.split_once('\n').map_or("", |(_, said)| said);
            assert!(!said.contains(NUMBER), "{words:?}\n{said}");
        }
    }
    for line in daemon.asked() {
        let head = line.split(" {").next().unwrap_or_default();
        assert!(!head.contains(NUMBER), "{head}");
    }
    let daemon = Daemon::start(wrong_role);
    let said = daemon.transcript(&["user", "register", NUMBER, "--loa", "3"], None).await;
    assert!(!said.split_once('\n').unwrap().1.contains(NUMBER));
}

#[tokio::test]
async fn ascii_terminals_get_ascii_alone() {
    let daemon = Daemon::start(healthy);
    for words in PEOPLE {
        let (result, mut context) = daemon.run(words, None).await;
        context.screen.out.unicode = false;
        context.screen.err.unicode = false;
        if let Ok(mut answer) = result {
            let (out, err) = context.screen.transcript(&mut answer).unwrap();
            let text = if context.screen.format.is_machine() { err } else { out + &err };
            assert!(text.is_ascii(), "{words:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_number_is_looked_up_in_a_body_and_the_mailbox_is_then_named_by_its_id() {
    let daemon = Daemon::start(healthy);
    daemon.transcript(&["user", "show", NUMBER], None).await;
    let asked = daemon.asked();
    assert_eq!(asked[0], format!("POST /v1/users/find {{\"number\":\"{NUMBER}\"}}"));
    assert_eq!(asked[1], format!("GET /v1/users/{MAILBOX}"));
}

#[tokio::test]
async fn a_file_goes_in_batches_and_the_refused_lines_are_named() {
    let daemon = Daemon::start(healthy);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holders.csv");
    let text = format!(
        "number,kind,accepted_at,terms,loa,reference\n{NUMBER},person,{NOW},2026-05,3,a\n162021004748,,,,3,\n"
    );
    std::fs::write(&file, text).unwrap();
    let words = ["user", "register", "--from-file", file.to_str().unwrap(), "--progress", "none"];
    let said = daemon.transcript(&words, None).await;
    assert!(said.contains("Registered 1 of 2 rows, 1 refused   job_abababab"), "{said}");
    assert!(said.contains("   3  MBX-4002") && said.contains("exit 3"), "{said}");
    assert_eq!(daemon.asked().len(), 1);
}

#[tokio::test]
async fn an_export_is_written_for_its_owner_alone_and_never_over_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let daemon = Daemon::start(healthy);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("2026-10.mbxaudit");
    let words = [
        "audit",
        "export",
        "--since",
        "2026-10-01",
        "--until",
        "2026-11-01",
        "-O",
        file.to_str().unwrap(),
    ];
    let said = daemon.transcript(&words, None).await;
    assert!(said.contains("6 B · sha256"), "{said}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let said = daemon.transcript(&words, None).await;
    assert!(said.contains("exit 73"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "export");
}
