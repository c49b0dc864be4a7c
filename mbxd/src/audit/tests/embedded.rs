//! The log on the engine that keeps it in production.

use super::scene::{ORIGIN, SoftSigner, signed_by};
use crate::audit::{AuditLog, Form, Integrity, Options};
use crate::clock::Clock;
use crate::config;
use crate::store::back_end::simulated::SimulatedDisk;
use crate::store::embedded::Embedded;
use crate::store::{Changes, Store};
use mbx_common::audit::verify::{Trust, verify_export};
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::time::Period;
use std::sync::Arc;

fn log(engine: &Arc<Embedded>, signer: &Arc<SoftSigner>, clock: &Clock) -> (AuditLog, Store) {
    let store = Store::new(engine.clone());
    let options =
        Options { origin: ORIGIN.to_owned(), checkpoint_every_ms: 60_000, checkpoint_entries: 100 };
    let log = AuditLog::new(store.clone(), signed_by(signer.clone()), clock.clone(), options);
    (log, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_on_over_restarts_and_stays_whole() {
    let disk = SimulatedDisk::new();
    let signer = Arc::new(SoftSigner::ed25519());
    let clock = Clock::manual("2026-11-24T03:41:00Z".parse().unwrap());
    let origin = Origin::of(Actor::Daemon);
    let began = clock.now();
    for _ in 0..3 {
        let engine = Embedded::open(Arc::new(disk.clone()), &config::Store::default()).unwrap();
        let (log, store) = log(&engine, &signer, &clock);
        assert!(!log.check_head().await.unwrap().is_violated());
        for _ in 0..250 {
            clock.advance(100);
            let entry = origin.entry(clock.now(), Event::DeliveryAccepted);
            store.commit(Changes::new(), entry).await.unwrap();
            log.tick().await.unwrap();
        }
        log.checkpoint().await.unwrap();
        engine.close();
    }
    let engine = Embedded::open(Arc::new(disk.clone()), &config::Store::default()).unwrap();
    let (log, _) = log(&engine, &signer, &clock);
    assert!(matches!(log.check_all().await.unwrap(), Integrity::Sound { .. }));
    let report = log.verify(&[], &origin).await.unwrap();
    assert!(report.is_sound() && report.checkpoints >= 9, "{report:?}");
    let period = Period { from: began.plus_millis(20_000), until: began.plus_millis(60_000) };
    let mut export = log.export(period, Form::Whole, &origin).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let report = verify_export(&bytes[..], Trust::default()).unwrap();
    assert_eq!(report.findings.kept(), []);
    assert!(report.first > 0 && report.checkpoints > 3);
    engine.close();
}
