//! `kill -9` under load: nothing acknowledged is lost, doubled or mixed up.

use mbx_tests::kills::kills;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// Kills in this test; more in the long programmes.
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_load_lose_double_and_mix_up_nothing() {
    let report = kills(&mut ChaCha20Rng::seed_from_u64(1), KILLS, || false).await;
    assert!(report.is_sound(), "{report:?}");
    assert!(report.ledger.acknowledged > 50, "the load hardly ran: {report:?}");
    assert!(report.acts > 5 && report.registered > 5, "{report:?}");
}
