//! `kill -9` under load: nothing acknowledged is lost, doubled or mixed up.

use mbx_sim::ledger::{self, Ledger};
use mbx_sim::load::{self, Plan};
use mbx_sim::pki::Credentials;
use mbx_tests::installation::{AUTHORITY, FIRST, Installation, SERVICE, Setup};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Kills in this test; more in the long programmes.
const KILLS: usize = 20;
const HOLDERS: u32 = 6;

/// How many deliveries the ledger has as acknowledged.
fn acknowledged(ledger: &Path) -> usize {
    std::fs::read_to_string(ledger).unwrap().matches(r#""event":"acknowledged""#).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_load_lose_double_and_mix_up_nothing() {
    let mut installation = Installation::ready(&Setup::default());
    let recipients: Vec<String> =
        (0..HOLDERS).map(|index| installation.register(index).0).collect();
    let path = installation.path("ledger.jsonl");
    let ledger = Arc::new(Ledger::open(&path).unwrap());
    let own = Credentials::load(&installation.pki(), "authority").unwrap();
    let signer = Arc::new(own.signer().unwrap());
    for kill in 0..KILLS {
        let plan = Plan {
            path: SERVICE.to_owned(),
            sender: AUTHORITY.to_owned(),
            recipients: recipients.clone(),
            size: 4000,
            workers: 4,
            count: 40,
            rate: None,
        };
        let peer = installation.sender("authority");
        let (signer, ledger) = (Arc::clone(&signer), Arc::clone(&ledger));
        let load =
            tokio::spawn(async move { load::run(&peer, &signer, &plan, Some(ledger)).await });
        // Another moment for each kill: from the first answers to nearly the last, however slow
        // the machine is.
        let wanted = acknowledged(&path) + 1 + kill * 3 / 2;
        let patience = Instant::now();
        while acknowledged(&path) < wanted && patience.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        installation.kill();
        load.await.unwrap().unwrap();
        installation.start();
    }
    let portal = installation.portal();
    installation.wait_for_token();
    let findings = ledger::check(&path, &portal).await.unwrap();
    assert!(findings.is_sound(), "{findings:?}");
    assert!(findings.acknowledged > 50, "the load hardly ran: {findings:?}");
    installation.login(FIRST);
    installation.ok(&["audit", "verify"]);
    installation.ok(&["mailbox", "verify", "--all"]);
}
