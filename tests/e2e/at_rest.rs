//! Nothing readable and no key stands on disk, in logs or in metrics.

use crate::reading::{call, id, list};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use mbx_sim::delivery::{Message, notify};
use mbx_sim::ledger::hex;
use mbx_sim::marshal::{Style, envelope};
use mbx_tests::installation::{AUTHORITY, Installation, Setup};
use mbx_tests::token::{Kind, Token};
use std::path::Path;
use std::process::Command;

suite! {
    no_key_of_the_run_and_nothing_readable_stands_in_state_log_or_metrics
}

const TEXT: &str = "a text that only its holder may read: kingfisher-over-the-weir";
const SUBJECT: &str = "subject-heron-on-one-leg";
const FILE: &str = "file-name-otter-at-dawn.pdf";

/// Something that must stand nowhere, in one of its spellings.
struct Needle {
    /// What a failing test calls it: never the thing itself.
    name: String,
    bytes: Vec<u8>,
}

/// As it is, and in hexadecimal and base64, wherever in a longer base64 text it may begin.
fn spellings(name: &str, bytes: &[u8]) -> Vec<Needle> {
    let needle = |how: &str, bytes: Vec<u8>| Needle { name: format!("{name}, {how}"), bytes };
    let hex = hex(bytes);
    let mut all = vec![
        needle("raw", bytes.to_vec()),
        needle("upper hexadecimal", hex.to_uppercase().into_bytes()),
        needle("hexadecimal", hex.into_bytes()),
    ];
    for offset in 0..3 {
        // Three bytes are four digits: the first and last digits depend on what stands beside.
        let padded = [&vec![0; offset][..], bytes].concat();
        let (first, whole) = (usize::from(offset > 0) * 4, padded.len() / 3 * 4);
        for (how, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
            let text = engine.encode(&padded);
            all.push(needle(&format!("{how} at {offset}"), text[first..whole].into()));
        }
    }
    all
}

/// Looks for all of them in one pass.
struct Search {
    needles: Vec<Needle>,
    /// Places in `needles`, by the first two bytes.
    by_start: Vec<Vec<usize>>,
}

impl Search {
    fn new(needles: Vec<Needle>) -> Self {
        let mut by_start = vec![Vec::new(); 1 << 16];
        for (place, needle) in needles.iter().enumerate() {
            by_start[start(&needle.bytes)].push(place);
        }
        Self { needles, by_start }
    }

    /// Names of what stands in these bytes.
    fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            for &place in &self.by_start[start(&bytes[at..])] {
                let needle = &self.needles[place];
                if bytes[at..].starts_with(&needle.bytes) {
                    found.push(needle.name.as_str());
                }
            }
        }
        found
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// What stands in the files of a folder, with the file's name.
fn found_under(folder: &Path, search: &Search) -> Vec<String> {
    let mut found = Vec::new();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            let names = search.found_in(&bytes).into_iter();
            found.extend(names.map(|name| format!("{}: {name}", entry.path().display())));
        }
    }
    assert!(files > 2, "the state folder is nearly empty");
    found
}

/// Every key of the stopped installation, opened by an independent program from the format pages
/// with what the fault module saw pass through the token; `None` where it cannot run here.
fn keys_of(installation: &Installation) -> Option<Vec<(String, Vec<u8>)>> {
    let python = std::env::var("MBX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import cryptography"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        assert!(std::env::var_os("MBX_TEST_ALL").is_none(), "{python} lacks `cryptography`");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/keys_at_rest.py");
    let mut command = Command::new(python);
    command.arg(script).arg(installation.state()).arg(installation.token.secrets());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed: Vec<(String, String)> = serde_json::from_slice(&output.stdout).unwrap();
    let bytes = |hex: String| -> Vec<u8> {
        let pairs = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    };
    Some(listed.into_iter().map(|(name, hex)| (name, bytes(hex))).collect())
}

/// A day in the life of an installation; gives a person and the metrics at its end.
async fn lived_in(installation: &mut Installation) -> (String, String) {
    let (person, _) = installation.register(4711);
    let portal = installation.portal();
    let mut attachment = b"%PDF-1.7\n".to_vec();
    attachment.extend(TEXT.repeat(40).as_bytes());
    let message = Message::text("sender-id-1", SUBJECT, TEXT).with_pdf(FILE, attachment);
    installation.deliver(&person, message).await;
    let reminder = Message::text("sender-id-2", SUBJECT, TEXT);
    let recipients = [person.clone()];
    let tree = notify(AUTHORITY, "Example Authority", &recipients, &reminder);
    installation.post(envelope(&tree, Style::Default).into()).await;
    let messages = list(&portal, (&person, 3)).await;
    assert_eq!(messages.len(), 2);
    for message in &messages {
        let part = format!("/v1/messages/{}/parts/0", id(message));
        assert_eq!(call(&portal, "GET", &part, (&person, 3)).await.status, 200);
        call(&portal, "GET", &format!("/v1/messages/{}", id(message)), (&person, 2)).await;
    }
    installation.ok(&["user", "list"]);
    installation.ok(&["delivery", "list"]);
    let metrics = installation.metrics();
    assert!(metrics.contains("mbx_deliveries_total{result=\"accepted\"} 2"), "{metrics}");
    assert!(metrics.contains("mbx_hsm_state{state=\"ready\"} 1"), "{metrics}");
    assert!(!metrics.contains("mbx_hsm_opened_total{purpose=\"kek-high\"} 0"), "{metrics}");
    assert!(installation.stop().success());
    (person, metrics)
}

async fn no_key_of_the_run_and_nothing_readable_stands_in_state_log_or_metrics(kind: Kind) {
    let mut installation = Installation::ready(&Setup::on(kind));
    let (person, metrics) = lived_in(&mut installation).await;
    let readable = [TEXT, SUBJECT, FILE, &person];
    let mut needles: Vec<Needle> =
        readable.iter().flat_map(|text| spellings(text, text.as_bytes())).collect();
    let keys = keys_of(&installation).unwrap_or_default();
    needles.extend(keys.iter().flat_map(|(name, key)| spellings(name, key)));

    let search = Search::new(needles);
    assert_eq!(found_under(&installation.state(), &search), [""; 0]);
    assert_eq!(search.found_in(installation.log().as_bytes()), [""; 0]);
    assert_eq!(search.found_in(metrics.as_bytes()), [""; 0]);
    let mut pin = spellings("PIN", Token::PIN.as_bytes());
    pin.truncate(1);
    assert_eq!(found_under(&installation.state(), &Search::new(pin)), [""; 0]);

    if keys.is_empty() {
        return;
    }
    let count = |wanted: &str| keys.iter().filter(|(name, _)| name == wanted).count();
    for (name, wanted) in [
        ("register secret", 1),
        ("lookup secret", 1),
        ("keyring secret", 1),
        ("W", 2),
        ("life secret of messages", 2),
        ("life secret of a register record", 1),
        ("X-Wing private key", 2),
        ("DEK", 2),
        ("encryption key of a content", 2),
        ("MAC key of a content", 2),
    ] {
        assert_eq!(count(name), wanted, "{name}");
    }
    a_planted_key_is_found(&installation, &keys, &search);
}

/// The search finds what it looks for.
fn a_planted_key_is_found(
    installation: &Installation,
    keys: &[(String, Vec<u8>)],
    search: &Search,
) {
    let planted = installation.state().join("log/planted");
    for (name, key) in keys {
        for (bytes, how) in [
            ([b"before", &key[..], b"after"].concat(), "raw"),
            (format!("key={}\n", hex(key)).into_bytes(), "hexadecimal"),
            (STANDARD.encode([b"x", &key[..], b"behind"].concat()).into_bytes(), "base64 at 1"),
            (URL_SAFE.encode([b"xy", &key[..], b"behind"].concat()).into(), "base64url at 2"),
        ] {
            let found = search.found_in(&bytes);
            let wanted = format!("{name}, {how}");
            assert!(found.contains(&wanted.as_str()), "{wanted} is not among {found:?}");
        }
    }
    std::fs::write(&planted, &keys[0].1).unwrap();
    assert_eq!(found_under(&installation.state(), search).len(), 1, "{}", planted.display());
}
