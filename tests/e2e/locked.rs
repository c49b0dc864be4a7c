//! A daemon that was restarted and has no PIN, or a wrong one: it takes deliveries by the lookup
//! credential, reads nothing, and asks nobody's token twice.

use crate::reading::{call, id, list, part};
use mbx_sim::delivery::Message;
use mbx_sim::soap::Reply;
use mbx_tests::faults::Faults;
use mbx_tests::installation::{FIRST, Installation, Setup};
use mbx_tests::token::{Kind, Token};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

suite! {
    the_lookup_secret_is_given_out_once_asked_recorded_and_to_its_file_alone
    a_locked_daemon_with_the_lookup_credential_delivers_and_reads_when_the_pin_is_given
    a_wrong_pin_is_tried_once_only_over_five_restarts
    a_pin_given_while_the_hsm_is_open_is_refused_untried
}

const THREE: u8 = 3;
/// `CKR_PIN_INCORRECT`.
const PIN_INCORRECT: u64 = 0xa0;

/// An installation with one person, one message and the lookup secret among its credentials.
async fn with_lookup(kind: Kind) -> (Installation, String) {
    let config = "[keys]\nlookup_credential = \"lookup\"\n".to_owned();
    let installation = Installation::ready(&Setup { config, ..Setup::on(kind) });
    let (person, _) = installation.register(1);
    delivered(&installation, &person, "1", "before").await;
    let credential = installation.path("credentials/lookup");
    let to = credential.display().to_string();
    installation.ok(&["key", "lookup-credential", "-O", &to, "--yes"]);
    (installation, person)
}

async fn delivered(installation: &Installation, person: &str, number: &str, body: &str) {
    let reply = installation.deliver(person, Message::text(number, "Subject", body)).await;
    let is_delivered = matches!(
        &reply,
        Reply::Result { statuses, .. } if statuses.iter().all(|(_, flag)| *flag)
    );
    assert!(is_delivered, "{reply:?}");
}

/// Standard output and error of a command of the first officer that may fail.
fn said(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let output = installation.mbxctl(FIRST, arguments);
    let both = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(both).unwrap())
}

/// Tries the PIN in a file.
fn give_pin(installation: &Installation, pin: &str) -> (Option<i32>, String) {
    let file = installation.path("pin.txt");
    fs::write(&file, pin).unwrap();
    said(installation, &["hsm", "login", "--yes", "--pin-file", &file.display().to_string()])
}

/// How often the token refused a PIN so far.
fn refused_pins(faults: &Faults) -> usize {
    let calls = faults.calls();
    calls.iter().filter(|call| call.function == "C_Login" && call.code == PIN_INCORRECT).count()
}

async fn the_lookup_secret_is_given_out_once_asked_recorded_and_to_its_file_alone(kind: Kind) {
    let (installation, _) = with_lookup(kind).await;
    let path = installation.path("credentials/lookup");
    let secret = fs::read_to_string(&path).unwrap();
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let log = installation.ok(&["audit", "search", "--event", "MBX-A509"]);
    assert!(log.contains("MBX-A509"), "{log}");
    assert!(!installation.log().contains(&secret), "the secret stands in the log");
    let to = path.display().to_string();
    let (code, text) = said(&installation, &["key", "lookup-credential", "-O", &to, "--yes"]);
    assert_ne!(code, Some(0), "a file that is there is written over: {text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), secret);
}

async fn a_locked_daemon_with_the_lookup_credential_delivers_and_reads_when_the_pin_is_given(
    kind: Kind,
) {
    let (mut installation, person) = with_lookup(kind).await;
    assert!(installation.stop().success());
    fs::remove_file(installation.path("credentials/hsm-pin")).unwrap();
    installation.start();
    delivered(&installation, &person, "2", "while locked").await;
    let portal = installation.portal();
    let answer = call(&portal, "GET", "/v1/messages", (&person, THREE)).await;
    assert_eq!(answer.status, 503, "{}", String::from_utf8_lossy(&answer.body));
    assert!(answer.headers.contains_key("retry-after"), "a time to come back is named");
    let problem = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!problem.contains("Subject"), "{problem}");
    let (_, status) = said(&installation, &["status"]);
    assert!(status.contains("locked"), "{status}");
    let (code, status) = said(&installation, &["hsm", "status"]);
    assert_eq!(code, Some(2), "{status}");
    assert!(status.contains("locked"), "{status}");
    let (code, refused) =
        said(&installation, &["key", "lookup-credential", "-O", "/nonexistent/x", "--yes"]);
    assert_ne!(code, Some(0), "{refused}");
    let other = installation.path("other").display().to_string();
    let (code, refused) = said(&installation, &["key", "lookup-credential", "-O", &other, "--yes"]);
    assert_ne!(code, Some(0), "{refused}");
    assert!(refused.contains("MBX-3001"), "{refused}");
    assert!(!installation.path("other").exists(), "an empty file was left");
    let (code, opened) = give_pin(&installation, Token::PIN);
    assert_eq!(code, Some(0), "{opened}");
    let messages = list(&portal, (&person, THREE)).await;
    assert_eq!(messages.len(), 2, "the one delivered while locked is there");
    let body = part(&portal, id(&messages[0]), 0, (&person, THREE)).await;
    assert_eq!(body, b"while locked");
}

async fn a_wrong_pin_is_tried_once_only_over_five_restarts(kind: Kind) {
    let (mut installation, person) = with_lookup(kind).await;
    let faults = Faults::of(&installation.token);
    assert_eq!(refused_pins(&faults), 0);
    fs::write(installation.path("credentials/hsm-pin"), "000000").unwrap();
    for restart in 0..5 {
        assert!(installation.stop().success());
        installation.start();
        installation.wait_until("the PIN was refused", |installation| {
            said(installation, &["hsm", "status"]).1.contains("PIN rejected")
        });
        delivered(&installation, &person, &format!("r{restart}"), "with a wrong PIN").await;
        assert_eq!(refused_pins(&faults), 1, "restart {restart}");
    }
    let (code, text) = give_pin(&installation, "111111");
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("MBX-3002"), "{text}");
    assert_eq!(refused_pins(&faults), 2, "a PIN that staff give is tried once");
    let (code, text) = give_pin(&installation, Token::PIN);
    assert_eq!(code, Some(0), "{text}");
    let messages = list(&installation.portal(), (&person, THREE)).await;
    assert_eq!(messages.len(), 6);
}

async fn a_pin_given_while_the_hsm_is_open_is_refused_untried(kind: Kind) {
    let (installation, _) = with_lookup(kind).await;
    let faults = Faults::of(&installation.token);
    for pin in ["000000", Token::PIN] {
        let (code, text) = give_pin(&installation, pin);
        assert_ne!(code, Some(0), "{text}");
        assert!(text.contains("MBX-3011") && text.contains("not tried"), "{text}");
    }
    assert_eq!(refused_pins(&faults), 0);
    let found = installation.json(&["audit", "search", "--event", "MBX-A508"]);
    let results: Vec<&str> = found["data"]
        .as_array()
        .map(|rows| rows.iter().filter_map(|row| row["result"].as_str()).collect())
        .unwrap_or_default();
    assert_eq!(results, ["refused", "asked", "refused", "asked"], "{found}");
}
