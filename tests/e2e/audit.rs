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
    let mut found = 0;
    let places: Vec<usize> = (0..40).map(|step| step * whole.len() / 40).collect();
    for place in places {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        fs::write(&file, &altered).unwrap();
        let output = installation.mbxctl("anna", &["audit", "verify", &file]);
        assert!(!output.status.success(), "byte {place} was altered and nothing was found");
        found += 1;
    }
    assert_eq!(found, 40);
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
