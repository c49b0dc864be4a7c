//! The HSM goes away and comes back under a running daemon.

use crate::reading::{call, list};
use mbx_sim::delivery::Message;
use mbx_sim::soap::Reply;
use mbx_tests::faults::{Faults, code};
use mbx_tests::installation::{Installation, Setup};
use std::time::{Duration, Instant};

const THREE: u8 = 3;

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

#[tokio::test]
async fn deliveries_go_on_while_the_hsm_is_away_and_reads_resume_by_themselves() {
    let installation = Installation::ready(&Setup { faults: true, ..Setup::default() });
    let (person, _) = installation.register(1);
    let (other, _) = installation.register(2);
    let faults = Faults::of(&installation.token);
    faults.fail("*", code::DEVICE_REMOVED);
    let reply = installation.deliver(&person, Message::text("1", "One", "first")).await;
    assert!(is_delivered(&reply), "{reply:?}");
    until_status(&installation, &person, 503).await;
    let portal = installation.portal();
    let answer = call(&portal, "GET", "/v1/messages", (&person, THREE)).await;
    assert!(answer.headers.contains_key("retry-after"), "a time to come back is named");
    let reply = installation.deliver(&other, Message::text("2", "Two", "second")).await;
    assert!(is_delivered(&reply), "{reply:?}");
    let status = installation.mbxctl("anna", &["status"]);
    assert_eq!(status.status.code(), Some(1), "{}", String::from_utf8_lossy(&status.stdout));
    faults.repair();
    let took = until_status(&installation, &person, 200).await;
    assert!(took < Duration::from_secs(20), "reading resumed only after {took:?}");
    assert_eq!(list(&portal, (&person, THREE)).await.len(), 1);
    assert_eq!(list(&portal, (&other, THREE)).await.len(), 1);
    assert!(faults.stale().is_empty(), "a handle of a former epoch was used");
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
    until_status(&installation, &person, 200).await;
}

#[tokio::test]
async fn a_restarted_daemon_without_its_pin_is_locked_and_says_so() {
    let mut installation = Installation::ready(&Setup::default());
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
