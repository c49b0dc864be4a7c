//! The HSM goes away and comes back under a running daemon.

use crate::reading::{call, list};
use mbx_sim::delivery::Message;
use mbx_sim::soap::Reply;
use mbx_tests::faults::{Faults, code};
use mbx_tests::installation::{Installation, Setup};
use mbx_tests::token::Kind;
use std::time::{Duration, Instant};

suite! {
    in_each_outage_deliveries_go_on_and_reads_resume_by_themselves_in_time
    one_bad_record_is_refused_alone_and_trips_no_breaker
    a_restarted_daemon_without_its_pin_is_locked_and_says_so
}

const THREE: u8 = 3;

/// Reading is back this soon after a repair.
const RECOVERY: Duration = Duration::from_secs(5);

fn is_delivered(reply: &Reply) -> bool {
    matches!(reply, Reply::Result { statuses, .. } if statuses.iter().all(|(_, flag)| *flag))
}

/// Waits until reading a mailbox answers with this status.
async fn until_status(installation: &Installation, person: &str, status: u16) -> Duration {
    let portal = installation.portal();
    let start = Instant::now();
    loop {
        let answer = call(&portal, "GET", "/v1/messages", (person, THREE)).await;
        if answer.status == status {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_mins(1), "still {}", answer.status);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until the breaker is open.
async fn until_down(installation: &Installation, outage: &str) {
    let start = Instant::now();
    while !installation.metrics().contains("mbx_hsm_state{state=\"down\"} 1\n") {
        assert!(start.elapsed() < Duration::from_mins(1), "{outage}: the breaker stays closed");
        // The breaker opens for somebody who wants something.
        let portal = installation.portal();
        call(&portal, "GET", "/v1/messages", (&mbx_sim::identity::person(1), THREE)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An outage: rules of the fault module.
const OUTAGES: [(&str, &str); 5] = [
    ("removed", "* 0x32 0 *"),
    ("sessions lost", "C_DecryptInit 0xb3 0 *\nC_EncryptInit 0xb3 0 *"),
    ("log-in lost", "C_DecryptInit 0x101 0 *\nC_EncryptInit 0x101 0 *"),
    ("device error", "C_Decrypt 0x30 0 *\nC_Encrypt 0x30 0 *"),
    ("hang", "C_DecryptInit - 3600000 *\nC_EncryptInit - 3600000 *"),
];

async fn in_each_outage_deliveries_go_on_and_reads_resume_by_themselves_in_time(kind: Kind) {
    let config = "[hsm]\ndeadline = \"1 s\"\n".to_owned();
    let installation = Installation::ready(&Setup { config, ..Setup::on(kind) });
    let faults = Faults::of(&installation.token);
    let people: Vec<String> = (1..).zip(OUTAGES).map(|(n, _)| installation.register(n).0).collect();
    let portal = installation.portal();
    for ((outage, rules), person) in OUTAGES.iter().zip(&people) {
        faults.rule(rules);
        let reply = installation.deliver(person, Message::text("1", "One", "first")).await;
        assert!(is_delivered(&reply), "{outage}: {reply:?}");
        until_status(&installation, person, 503).await;
        let answer = call(&portal, "GET", "/v1/messages", (person, THREE)).await;
        assert!(answer.headers.contains_key("retry-after"), "a time to come back is named");
        until_down(&installation, outage).await;
        let reply = installation.deliver(person, Message::text("2", "Two", "second")).await;
        assert!(is_delivered(&reply), "{outage}: {reply:?}");
        faults.repair();
        let took = until_status(&installation, person, 200).await;
        assert!(took < RECOVERY, "{outage}: reading resumed only after {took:?}");
        assert_eq!(list(&portal, (person, THREE)).await.len(), 2, "{outage}");
    }
    assert!(faults.stale().is_empty(), "a handle of a former epoch was used");
}

async fn one_bad_record_is_refused_alone_and_trips_no_breaker(kind: Kind) {
    let installation = Installation::ready(&Setup::on(kind));
    let faults = Faults::of(&installation.token);
    let (bad, _) = installation.register(1);
    let (good, _) = installation.register(2);
    for person in [&bad, &good] {
        installation.deliver(person, Message::text("1", "One", "first")).await;
    }
    let epoch = |installation: &Installation| {
        installation.json(&["hsm", "status"])["data"]["epoch"].as_u64()
    };
    let before = epoch(&installation);
    let portal = installation.portal();
    for ambiguous in [code::GENERAL_ERROR, code::DEVICE_ERROR, code::DEVICE_REMOVED] {
        faults.fail_next("C_Decrypt", ambiguous, 1);
        let answer = call(&portal, "GET", "/v1/messages", (&bad, THREE)).await;
        assert!(answer.status >= 500, "{}", answer.status);
        assert_eq!(list(&portal, (&good, THREE)).await.len(), 1);
        let reply = installation.deliver(&bad, Message::text("2", "Two", "second")).await;
        assert!(is_delivered(&reply), "{reply:?}");
    }
    assert_eq!(epoch(&installation), before, "the breaker was tripped");
    let metrics = installation.metrics();
    assert!(metrics.contains("mbx_hsm_tampered_total 3\n"), "{metrics}");
}

#[tokio::test]
async fn a_token_whose_files_vanish_is_found_lost_and_found_again() {
    let installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    installation.deliver(&person, Message::text("0", "Zero", "before")).await;
    let away = installation.token.storage().with_extension("away");
    std::fs::rename(installation.token.storage(), &away).unwrap();
    until_status(&installation, &person, 503).await;
    let reply = installation.deliver(&person, Message::text("1", "One", "first")).await;
    assert!(is_delivered(&reply), "{reply:?}");
    std::fs::rename(&away, installation.token.storage()).unwrap();
    let took = until_status(&installation, &person, 200).await;
    assert!(took < RECOVERY, "reading resumed only after {took:?}");
}

#[tokio::test]
async fn with_a_key_missing_deliveries_go_on_and_reads_resume_when_it_is_back() {
    let installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(1);
    let key = installation.token.object_made(1);
    let away = installation.path("away");
    std::fs::rename(&key, &away).unwrap();
    installation.token.announce_change();
    let reply = installation.deliver(&person, Message::text("1", "One", "first")).await;
    assert!(is_delivered(&reply), "{reply:?}");
    let portal = installation.portal();
    let answer = call(&portal, "GET", "/v1/messages", (&person, THREE)).await;
    assert!(answer.status >= 500, "a key of class 3 is missing: {}", answer.status);
    let reply = installation.deliver(&person, Message::text("2", "Two", "second")).await;
    assert!(is_delivered(&reply), "{reply:?}");
    std::fs::rename(&away, &key).unwrap();
    installation.token.announce_change();
    let took = until_status(&installation, &person, 200).await;
    assert!(took < RECOVERY, "reading resumed only after {took:?}");
    assert_eq!(list(&portal, (&person, THREE)).await.len(), 2);
}

async fn a_restarted_daemon_without_its_pin_is_locked_and_says_so(kind: Kind) {
    let mut installation = Installation::ready(&Setup::on(kind));
    let (person, _) = installation.register(1);
    assert!(installation.stop().success());
    std::fs::remove_file(installation.path("credentials/hsm-pin")).unwrap();
    installation.start();
    let reply = installation.deliver(&person, Message::text("1", "One", "first")).await;
    assert!(
        matches!(reply, Reply::Fault { error_code: 1..=4999, .. }),
        "a temporary fault, not {reply:?}"
    );
    let status = installation.mbxctl("anna", &["hsm", "status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(said.to_lowercase().contains("locked"), "{said}");
}
