//! Checkpoints signed by a real token.

use super::scene::{ORIGIN, key, signed_by};
use crate::audit::{AuditLog, Form, Options};
use crate::clock::Clock;
use crate::config::hsm::Hsm;
use crate::hsm::{Custody as _, HsmOptions, Pkcs11Custody, State};
use crate::store::{Changes, memory};
use mbx_common::audit::verify::{Trust, verify_export};
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::time::Period;
use mbx_tests::token;
use std::time::Duration;

#[test]
fn a_checkpoint_signed_by_a_token_verifies_offline() {
    token::alone_async(|token| async move {
        let config = Hsm {
            module: token.module(),
            token_label: token.label().to_owned(),
            token_serial: token.serial().to_owned(),
            ..Hsm::default()
        };
        let pin = Some(token.pin().to_owned().into());
        let options = HsmOptions { config, development: true, pin, rejected_pin: None };
        let custody = Pkcs11Custody::start(options).unwrap();
        let mut states = custody.changes();
        let ready = states.wait_for(|state| *state == State::Ready);
        tokio::time::timeout(Duration::from_secs(30), ready).await.unwrap().unwrap();
        custody.generate(key()).await.unwrap();

        let (store, clock) = (memory::engine(), Clock::system());
        let options = Options {
            origin: ORIGIN.to_owned(),
            checkpoint_every_ms: 60_000,
            checkpoint_entries: 1000,
        };
        let log = AuditLog::new(store.clone(), signed_by(custody.clone()), clock.clone(), options);
        let origin = Origin::of(Actor::Daemon);
        let began = clock.now();
        for _ in 0..20 {
            let entry = origin.entry(clock.now(), Event::LoggedIn);
            store.commit(Changes::new(), entry).await.unwrap();
        }
        assert!(log.checkpoint().await.unwrap());
        assert!(log.verify(&[], &origin).await.unwrap().is_sound());
        let period = Period { from: began.minus_millis(1), until: began.plus_millis(3_600_000) };
        let mut export = log.export(period, Form::Whole, &origin).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = export.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        let report = verify_export(&bytes[..], Trust::default()).unwrap();
        assert_eq!(report.findings.kept(), []);
        assert_eq!(report.checkpoints, 2);
        custody.stop().await;
    });
}
