//! Independent peers over real mutual TLS: python-xmlsec and Java's own XML signatures sign with
//! the installation's keys, zeep loads the service description and reads answers and faults.
//!
//! Where a peer is not installed the test says so and passes; with `MBX_TEST_ALL` set it
//! fails instead.

use crate::reading::{id, list, part};
use mbx_common::time::Timestamp;
use mbx_sim::load::filler;
use mbx_sim::pki::Use;
use mbx_sim::soap::Reply;
use mbx_tests::installation::{AUTHORITY, DISPATCHER, Installation, SERVICE, Setup};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STYLES: [&str; 3] = ["default", "prefixed", "jaxb"];
const SUBJECT: &str = "Välkommen & <hej> \"så\" 'här' ]]> €";
const BODY: &[u8] = "Hej!\r\nDetta är ett meddelande.\u{feff}".as_bytes();
const FILE: &str = "Beslut å.pdf";
const CALENDAR: &[u8] = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
const SENDER: &str = "Östra Göinge & Å kommun";
const SUPPORT: &str = "Ring <oss> & fråga\n00-00 00 00";

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
}

/// Whether a peer can be run here.
#[expect(clippy::print_stdout, reason = "a test that checks nothing says so")]
fn installed(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let works = output.is_ok_and(|output| output.status.success());
    if !works {
        let required = std::env::var_os("MBX_TEST_ALL").is_some();
        assert!(!required, "{program} is not installed");
        println!("skipped: {program} {arguments:?} does not run here");
    }
    works
}

/// What is sent, and who it is for.
struct Sent {
    document: bytes::Bytes,
    /// The sender's id of the message.
    id: String,
    subject: String,
    body_type: &'static str,
}

/// Has a peer sign with the authority's key and seal with the dispatcher's, in every style, twice
/// with different references and digests.
fn sign(installation: &Installation, recipient: &str, peer: impl Fn() -> Command) -> Vec<Sent> {
    let path = |name: &str| installation.path(name);
    fs::write(path("body.txt"), BODY).unwrap();
    fs::write(path("bilaga.pdf"), filler(3, 50_000)).unwrap();
    fs::write(path("kallelse.ics"), CALENDAR).unwrap();
    let ways: [(&str, &[&str]); 2] = [
        ("text/plain", &[]),
        ("text/html", &["--method", "rsa-sha512", "--digest", "sha512", "--reference", "id"]),
    ];
    let mut sent = Vec::new();
    for (number, ((body_type, options), style)) in
        ways.into_iter().flat_map(|way| STYLES.map(|style| (way, style))).enumerate()
    {
        // The same delivery in another style would be a repeat of the first.
        let (id, subject) = (format!("interop-{number}"), format!("{SUBJECT} {number}"));
        let mut command = peer();
        let pki = installation.pki();
        command.arg("--key").arg(pki.join("authority.key"));
        command.arg("--certificate").arg(pki.join("authority.pem"));
        command.arg("--seal-key").arg(pki.join("dispatcher.key"));
        command.arg("--seal-certificate").arg(pki.join("dispatcher.pem"));
        command.args(["--recipient", recipient, "--sender-id", AUTHORITY, "--sender-name", SENDER]);
        command.args(["--style", style, "--message-id", &id, "--subject", &subject]);
        command.args(["--support-text", SUPPORT, "--body-type", body_type]);
        command.arg("--body").arg(path("body.txt"));
        for (file, media_type, name) in
            [("bilaga.pdf", "application/pdf", FILE), ("kallelse.ics", "text/calendar", "k.ics")]
        {
            let attachment = format!("{}:{media_type}:{name}", path(file).display());
            command.arg("--attachment").arg(attachment);
        }
        let output = command.arg("--out").arg(path("")).args(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{style} {options:?}: {said}");
        let document = fs::read(path(&format!("{style}.xml"))).unwrap().into();
        sent.push(Sent { document, id, subject, body_type });
    }
    sent
}

/// Each document is taken; what staff are told of it and what the holder reads is what was sent.
async fn assert_delivered(peer: impl Fn() -> Command) {
    let installation = Installation::ready(&Setup::default());
    let (person, mailbox) = installation.register(1);
    let sent = sign(&installation, &person, peer);
    assert_eq!(sent.len(), 6);
    let dispatcher = installation.sender("dispatcher");
    let began = mbx_sim::now_secs();
    for sent in &sent {
        let mut connection = dispatcher.connect().await.unwrap();
        let answer = connection.soap(SERVICE, sent.document.clone()).await.unwrap();
        let reply = Reply::parse(&answer.body).unwrap();
        let Reply::Result { trans_id, statuses } = &reply else { panic!("{}: {reply:?}", sent.id) };
        assert_eq!(statuses, &[(person.clone(), true)], "{}", sent.id);
        assert_traced(&installation, sent, trans_id, &mailbox);
    }
    let portal = installation.portal();
    let messages = list(&portal, (&person, 3)).await;
    assert_eq!(messages.len(), sent.len());
    for sent in &sent {
        let message = messages.iter().find(|message| message["subject"] == *sent.subject).unwrap();
        let received: Timestamp = message["received"].as_str().unwrap().parse().unwrap();
        assert!((began..=mbx_sim::now_secs()).contains(&received.as_secs()), "{received}");
        assert_eq!(message["class"], 3);
        assert_eq!(message["sender"], json!({ "id": AUTHORITY, "name": SENDER }));
        assert_eq!(message["support"], json!({ "text": SUPPORT }));
        assert_eq!(message["language"], "svSE");
        let parts = [
            (sent.body_type, None, BODY.to_vec()),
            ("application/pdf", Some(FILE), filler(3, 50_000)),
            ("text/calendar", Some("k.ics"), CALENDAR.to_vec()),
        ];
        let len: usize = parts.iter().map(|(_, _, octets)| octets.len()).sum();
        assert_eq!(message["len"], len);
        assert_eq!(message["parts"].as_array().unwrap().len(), parts.len());
        for (number, (media_type, name, octets)) in (0_u8..).zip(parts) {
            let mut told = json!({ "part": number, "media_type": media_type, "len": octets.len() });
            if let Some(name) = name {
                told["file_name"] = name.into();
            }
            assert_eq!(message["parts"][usize::from(number)], told);
            assert_eq!(part(&portal, id(message), number, (&person, 3)).await, octets);
        }
    }
}

/// What staff are told by the sender's id of the message: whose it is, for whom, how much.
fn assert_traced(installation: &Installation, sent: &Sent, trans_id: &str, mailbox: &str) {
    let traced = installation.json(&["delivery", "trace", "--sender-id", &sent.id]);
    let (trace, delivery) = (&traced["data"], &traced["data"]["delivery"]);
    assert_eq!(delivery["delivery"], format!("dlv_{}", trans_id.replace('-', "")), "{traced}");
    assert_eq!(
        (&delivery["sender"], &delivery["dispatcher"]),
        (&AUTHORITY.into(), &DISPATCHER.into())
    );
    assert_eq!((&delivery["class"], &delivery["recipients"]), (&3.into(), &1.into()), "{traced}");
    assert_eq!(delivery["bytes"], sent.document.len(), "{traced}");
    assert_eq!(trace["mailboxes"], json!([mailbox]), "{traced}");
    assert_eq!(trace["sender_ids"], json!([sent.id]), "{traced}");
}

#[tokio::test]
async fn deliveries_of_python_xmlsec_reach_their_holder_to_the_byte() {
    if !installed("python3", &["-c", "import xmlsec, lxml"]) {
        return;
    }
    assert_delivered(|| {
        let mut command = Command::new("python3");
        command.arg(here("senders.py"));
        command
    })
    .await;
}

#[tokio::test]
async fn deliveries_of_java_reach_their_holder_to_the_byte() {
    if !installed("javac", &["-version"]) {
        return;
    }
    let classes = tempfile::tempdir().unwrap();
    let mut compiler = Command::new("javac");
    compiler.arg("-d").arg(classes.path()).arg(here("Sender.java"));
    assert!(compiler.status().unwrap().success());
    assert_delivered(|| {
        let mut command = Command::new("java");
        command.arg("-cp").arg(classes.path()).arg("Sender");
        command
    })
    .await;
}

#[tokio::test]
async fn zeep_loads_the_description_and_reads_an_answer_and_a_fault() {
    if !installed("python3", &["-c", "import zeep, requests"]) {
        return;
    }
    let installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    let stranger = mbx_sim::identity::person(999);
    // A certificate of its own, of the same organisation.
    installation.issuer.issue("zeep", Use::Organisation, AUTHORITY).unwrap();
    let port = installation.authorities.port();
    let mut command = Command::new("python3");
    command.arg(here("client.py"));
    command.arg("--wsdl").arg(format!("https://localhost:{port}{SERVICE}?wsdl"));
    for (option, file) in
        [("--root", "root.pem"), ("--certificate", "zeep.pem"), ("--key", "zeep.key")]
    {
        command.arg(option).arg(installation.pki().join(file));
    }
    command.args(["--recipient", &person, "--recipient", &stranger]);
    let output = command.env_remove("HTTPS_PROXY").env_remove("https_proxy").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", installation.log());
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let operations = ["deliverForward", "deliverSecure", "notify"];
    assert_eq!(read["operations"], serde_json::json!(operations));
    let told = read["answer"]["Status"].as_array().unwrap();
    assert_eq!(told.len(), 2, "{read}");
    for (status, (recipient, flag)) in told.iter().zip([(&person, "true"), (&stranger, "false")]) {
        assert_eq!(status["RecipientId"], **recipient, "{read}");
        assert!(status["DeliveryStatus"].to_string().contains(flag), "{read}");
    }
    assert_eq!(read["fault"]["error_code"], 5019, "{read}");
    assert!(read["fault"]["code"].as_str().unwrap().ends_with("Client"), "{read}");
    assert_eq!(read["fault"]["call_id"].as_str().unwrap().len(), 36, "{read}");
    let portal = installation.portal();
    let messages = list(&portal, (&person, 2)).await;
    assert_eq!(messages[0]["subject"], "Påminnelse & <hälsning>");
    let body = part(&portal, id(&messages[0]), 0, (&person, 2)).await;
    assert_eq!(body, "I morgon klockan nio. €".as_bytes());
}
