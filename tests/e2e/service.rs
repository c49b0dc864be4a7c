//! The daemon as the service manager sees it.

use mbx_tests::installation::{Installation, Setup};
use std::collections::BTreeMap;
use std::fs;

fn run(installation: &Installation, argument: &str) -> (Option<i32>, String) {
    let output = installation.mbxd().arg(argument).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_sound_configuration_is_said_to_be_sound_and_touches_nothing() {
    let installation = Installation::new(&Setup::default());
    let (code, said) = run(&installation, "--check-config");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::read_dir(installation.state()).unwrap().count(), 0);
}

#[test]
fn a_mistyped_key_is_refused_with_what_was_meant_and_exit_code_78() {
    let config = "[delivery]\nlissten = \"127.0.0.1:1\"\n".to_owned();
    let installation = Installation::new(&Setup { config, ..Setup::default() });
    let (code, said) = run(&installation, "--check-config");
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("90-test.toml:2: unknown key `lissten`; did you mean `listen`?"),
        "{said}"
    );
}

#[test]
fn an_unknown_option_is_exit_code_64() {
    let installation = Installation::new(&Setup::default());
    assert_eq!(run(&installation, "--no-such").0, Some(64));
}

#[test]
fn a_second_daemon_on_the_same_state_ends_at_once() {
    let mut installation = Installation::new(&Setup::default());
    installation.start();
    let output = installation.mbxd().output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_soft_token_is_refused_outside_development() {
    let config = String::new();
    let mut installation = Installation::new(&Setup { config, ..Setup::default() });
    let path = installation.path("mbxd.toml");
    let text = fs::read_to_string(&path).unwrap().replace("development = true\n", "");
    fs::write(&path, text).unwrap();
    installation.start();
    installation.wait_until("the token is refused", |installation| {
        installation.log().contains("PolicyViolated")
    });
}

#[test]
fn bad_certificates_change_nothing_at_a_reload_and_good_ones_do() {
    let mut installation = Installation::ready(&Setup::default());
    let certificate = installation.pki().join("server.pem");
    let good = fs::read(&certificate).unwrap();
    fs::write(&certificate, "no certificate").unwrap();
    installation.reload();
    installation.wait_until("the reload is refused", |installation| {
        installation.log().contains("the old one stays")
    });
    fs::write(&certificate, good).unwrap();
    installation.reload();
    installation
        .wait_until("the reload is done", |installation| installation.log().contains("read anew"));
    installation.ok(&["cert", "list"]);
}

#[tokio::test]
async fn a_reload_with_one_bad_file_puts_nothing_of_the_new_configuration_in_use() {
    let mut installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    // Good on its own: nobody's root is believed any more. Bad: the portal's key.
    let other = mbx_sim::pki::Pki::create(&installation.path("other-pki")).unwrap();
    let drop_in = format!("[trust]\nroots = [\"{}/root.pem\"]\n", other.folder().display());
    fs::write(installation.path("conf.d/95-roots.toml"), drop_in).unwrap();
    fs::write(installation.pki().join("portal.jwt.pub"), "no key").unwrap();
    installation.reload();
    installation.wait_until("the reload is refused", |installation| {
        installation.log().contains("the old one stays")
    });
    let message = mbx_sim::delivery::Message::text("1", "One", "first");
    let reply = installation.deliver(&person, message).await;
    assert!(matches!(reply, mbx_sim::soap::Reply::Result { .. }), "{reply:?}");
}

/// What the doctor finds, by the name of the check, and its exit code.
fn doctor(installation: &Installation, checks: &[&str]) -> (BTreeMap<String, String>, Option<i32>) {
    let mbxd = installation.mbxd().get_program().to_str().unwrap().to_owned();
    let config = installation.path("mbxd.toml").display().to_string();
    let options = ["doctor", "--config", &config, "--mbxd", &mbxd, "-o", "json"];
    let output = installation.mbxctl("anna", &[&options, checks].concat());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = answer.pointer("/data/findings").unwrap().as_array().unwrap();
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let levels =
        findings.iter().map(|finding| (text(finding, "check"), text(finding, "level"))).collect();
    (levels, output.status.code())
}

#[test]
fn the_doctor_tells_what_a_sound_configuration_lacks_and_needs_no_daemon() {
    let installation = Installation::new(&Setup::default());
    let checks = ["config", "development", "token", "scanner", "certificates", "revocation"];
    let (found, code) = doctor(&installation, &checks);
    assert_eq!(code, Some(2), "{found:?}");
    assert_eq!(found["config"], "ok");
    for check in ["development", "token", "scanner"] {
        assert_eq!(found[check], "attention", "{check}");
    }
    assert_ne!(found["revocation"], "wrong", "the list is there");
    fs::remove_file(installation.path("crl/root.pem")).unwrap();
    let (found, code) = doctor(&installation, &checks);
    assert_eq!((found["revocation"].as_str(), code), ("wrong", Some(1)), "{found:?}");
    fs::write(installation.path("conf.d/90-test.toml"), "[delivery]\nconnections_max = 0").unwrap();
    let (found, code) = doctor(&installation, &["config", "scanner"]);
    assert_eq!((found["config"].as_str(), code), ("wrong", Some(1)), "{found:?}");
    assert_eq!(found["scanner"], "attention", "not checked: the configuration is refused");
}

#[test]
fn a_locked_daemon_still_tells_how_far_its_audit_log_has_come() {
    let mut installation = Installation::ready(&Setup::default());
    assert!(installation.stop().success());
    fs::remove_file(installation.path("credentials/hsm-pin")).unwrap();
    installation.start();
    let audit = |installation: &Installation| {
        let output = installation.mbxctl("anna", &["status", "-o", "json"]);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        assert_eq!(status.pointer("/data/phase")?, "locked");
        status.pointer("/data/audit").cloned()
    };
    installation.wait_until("the log was looked at", |installation| {
        audit(installation).is_some_and(|audit| audit["entries"].as_u64() > Some(5))
    });
    let audit = audit(&installation).unwrap();
    assert!(audit["checkpoint"].is_string(), "{audit}");
    assert!(audit["unsigned_entries"].as_u64() >= Some(1), "its own start at least: {audit}");
}

#[test]
fn keys_that_a_reload_cannot_put_in_force_are_said_to_wait_for_a_restart() {
    let mut installation = Installation::ready(&Setup::default());
    let drop_in = "[hsm]\nsessions = 3\n[policy]\nrestore_window = \"20 d\"\n";
    fs::write(installation.path("conf.d/95-changed.toml"), drop_in).unwrap();
    installation.reload();
    installation.wait_until("the waiting key is named", |installation| {
        installation.log().contains("take effect at the next start: hsm.sessions")
    });
    let shown = installation.json(&["config", "show"]);
    let keys = shown.pointer("/data").and_then(|data| data.as_array()).unwrap();
    let key = |name: &str| keys.iter().find(|key| key["key"] == name).unwrap();
    assert_eq!(key("hsm.sessions")["value"], "2", "what the daemon runs with");
    assert_eq!(key("hsm.sessions")["after_restart"], "3");
    assert_eq!(key("policy.restore_window")["value"], "\"20 d\"");
    let origin = key("policy.restore_window")["origin"].as_str().unwrap();
    assert!(origin.ends_with("95-changed.toml:4"), "{origin}");
    let people = installation.ok(&["config", "show", "--origin"]);
    assert!(people.contains("AFTER RESTART"), "{people}");
}

#[test]
fn the_index_is_rebuilt_from_the_log_and_nothing_is_missing() {
    let mut installation = Installation::ready(&Setup::default());
    let (_, mailbox) = installation.register(1);
    assert!(installation.stop().success());
    // By itself, at the start.
    fs::remove_file(installation.state().join("index.redb")).unwrap();
    installation.start();
    installation.wait_until("the mailbox is there", |installation| {
        installation.mbxctl("anna", &["mailbox", "show", &mailbox]).status.success()
    });
    assert!(installation.log().contains("the index is missing: index.redb"));
    assert!(installation.stop().success());
    // By hand.
    let (code, said) = run(&installation, "--rebuild-index");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("segment 1 of 1, "), "{said}");
    assert!(said.contains("mbxd: the index is whole again: "), "{said}");
    installation.start();
    installation.wait_until("the mailbox is there", |installation| {
        installation.mbxctl("anna", &["mailbox", "show", &mailbox]).status.success()
    });
}
