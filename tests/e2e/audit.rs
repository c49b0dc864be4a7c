//! The audit log proves itself, with and without the daemon.

use mbx_sim::delivery::Message;
use mbx_tests::installation::{Installation, Setup};
use std::fs;

#[tokio::test]
async fn an_export_verifies_offline_and_a_flipped_byte_in_it_is_found() {
    let mut installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    installation.deliver(&person, Message::text("1", "One", "first")).await;
    let file = installation.path("day.mbxaudit").display().to_string();
    installation.ok(&["audit", "export", "--since", "-24h", "--until", "-0h", "-O", &file]);
    installation.stop();
    let said = installation.ok(&["audit", "verify", &file]);
    assert!(said.contains('✓'), "{said}");
    let whole = fs::read(&file).unwrap();
    // From the first entry on: before it stands the manifest with the time of the export.
    let first = position(&whole, b"entries.jsonl\0").expect("the entries");
    let entries: Vec<usize> = (first + 512..whole.len()).filter(|at| whole[*at] != 0).collect();
    for place in entries.iter().step_by(entries.len() / 40) {
        let mut altered = whole.clone();
        altered[*place] ^= 1;
        fs::write(&file, &altered).unwrap();
        let output = installation.mbxctl("anna", &["audit", "verify", &file]);
        assert!(!output.status.success(), "byte {place} was altered and nothing was found");
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[test]
fn each_act_of_staff_is_an_entry_with_its_actor() {
    let installation = Installation::ready(&Setup::default());
    installation.register(1);
    let found = installation.json(&["audit", "search", "--limit", "100"]);
    let text = found.to_string();
    for code in ["MBX-A005", "MBX-A101", "MBX-A106", "MBX-A201", "MBX-A701"] {
        assert!(text.contains(code), "no entry {code} in {text}");
    }
}
