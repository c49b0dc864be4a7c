//! Independent peers over real mutual TLS: python-xmlsec and Java's own XML signatures sign with
//! the installation's keys, zeep loads the service description and reads answers and faults.
//!
//! Where a peer is not installed the test says so and passes; with `MBX_TEST_ALL` set it
//! fails instead.

use crate::reading::{id, list, part};
use mbx_sim::load::filler;
use mbx_sim::pki::Use;
use mbx_sim::soap::Reply;
use mbx_tests::installation::{AUTHORITY, Installation, SERVICE, Setup};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STYLES: [&str; 3] = ["default", "prefixed", "jaxb"];
const SUBJECT: &str = "Välkommen & <hej> \"så\" 'här' ]]> €";
const BODY: &[u8] = "Hej!\r\nDetta är ett meddelande.\u{feff}".as_bytes();
const FILE: &str = "Beslut å.pdf";

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

/// Has a peer sign with the authority's key and seal with the dispatcher's, in every style, twice
/// with different references and digests; gives the documents.
fn sign(installation: &Installation, recipient: &str, peer: impl Fn() -> Command) -> Vec<Vec<u8>> {
    let path = |name: &str| installation.path(name);
    fs::write(path("body.txt"), BODY).unwrap();
    fs::write(path("bilaga.pdf"), filler(3, 50_000)).unwrap();
    let ways: [&[&str]; 2] =
        [&[], &["--method", "rsa-sha512", "--digest", "sha512", "--reference", "id"]];
    let mut documents = Vec::new();
    for (number, (options, style)) in
        ways.into_iter().flat_map(|way| STYLES.map(|style| (way, style))).enumerate()
    {
        let mut command = peer();
        let pki = installation.pki();
        command.arg("--key").arg(pki.join("authority.key"));
        command.arg("--certificate").arg(pki.join("authority.pem"));
        command.arg("--seal-key").arg(pki.join("dispatcher.key"));
        command.arg("--seal-certificate").arg(pki.join("dispatcher.pem"));
        command.args(["--recipient", recipient, "--sender-id", AUTHORITY, "--subject", SUBJECT]);
        // The same delivery in another style would be a repeat of the first.
        command.args(["--style", style, "--message-id", &format!("interop-{number}")]);
        command.arg("--body").arg(path("body.txt"));
        let attachment = format!("{}:application/pdf:{FILE}", path("bilaga.pdf").display());
        command.arg("--attachment").arg(attachment).arg("--out").arg(path("")).args(options);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{style} {options:?}: {said}");
        documents.push(fs::read(path(&format!("{style}.xml"))).unwrap());
    }
    documents
}

/// Each document is taken, and the holder reads what was sent, byte for byte.
async fn assert_delivered(peer: impl Fn() -> Command) {
    let installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    let documents = sign(&installation, &person, peer);
    let dispatcher = installation.sender("dispatcher");
    for (number, document) in documents.iter().enumerate() {
        let mut connection = dispatcher.connect().await.unwrap();
        let answer = connection.soap(SERVICE, document.clone().into()).await.unwrap();
        let reply = Reply::parse(&answer.body).unwrap();
        let Reply::Result { statuses, .. } = &reply else { panic!("{number}: {reply:?}") };
        assert_eq!(statuses, &[(person.clone(), true)], "{number}");
    }
    let portal = installation.portal();
    let messages = list(&portal, (&person, 3)).await;
    assert_eq!(messages.len(), documents.len());
    for message in &messages {
        assert_eq!(message["subject"], SUBJECT);
        assert_eq!(message["sender"]["id"], AUTHORITY);
        assert!(message.to_string().contains(FILE), "{message}");
        assert_eq!(part(&portal, id(message), 0, (&person, 3)).await, BODY);
        assert_eq!(part(&portal, id(message), 1, (&person, 3)).await, filler(3, 50_000));
    }
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
