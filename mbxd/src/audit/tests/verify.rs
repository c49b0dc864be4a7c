use super::scene::{ORIGIN, Scene, SoftSigner, key, signed_by};
use crate::audit::row::{CheckpointRow, verifier_key};
use crate::audit::{AuditLog, Integrity};
use crate::hsm::{Custody as _, CustodyError, Public, Signature};
use crate::store::{Changes, Row as _, Table};
use mbx_common::audit::checkpoint::{Checkpoint, PublicKey, SignedNote, VerifierKey};
use mbx_common::audit::verify::Finding;
use mbx_common::audit::{Event, Outcome};
use mbx_common::id::KeyId;

async fn scene() -> Scene {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.act(10).await;
        scene.log.checkpoint().await.unwrap();
    }
    scene
}

async fn note(scene: &Scene) -> SignedNote {
    scene.log.newest_checkpoint().await.unwrap().unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_sound_log_verifies_and_the_check_is_recorded() {
    let scene = scene().await;
    let report = scene.log.verify(&[note(&scene).await], &scene.origin()).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.checkpoints, report.anchors), (3, 1));
    assert_eq!((report.until, report.covered), (33, 32));
    assert!(report.keys_from_outside, "compared with the token's own key");
    let entry = scene.entries().pop().unwrap();
    assert_eq!((entry.event, entry.outcome), (Event::AuditVerified, Outcome::Done));
    assert!(matches!(scene.log.integrity(), Integrity::Sound { size: 33, .. }));
}

#[tokio::test]
async fn an_altered_entry_is_found_between_its_checkpoints_and_stays_noted() {
    let scene = scene().await;
    scene.engine.alter(14, scene.entries()[3].encode());
    let report = scene.log.verify(&[], &scene.origin()).await.unwrap();
    let kept = report.findings.kept();
    assert_eq!(kept[0], Finding::Between { after: 10, until: 21 });
    let entries = scene.entries();
    let [.., verified, violated] = entries.as_slice() else { panic!("two entries") };
    assert_eq!((verified.event, verified.outcome), (Event::AuditVerified, Outcome::Failed));
    assert_eq!(violated.event, Event::IntegrityViolated);
    assert!(scene.log.integrity().is_violated());
    assert!(scene.log.check_all().await.unwrap().is_violated());
    assert_eq!(scene.count(Event::IntegrityViolated), 1);
}

#[tokio::test]
async fn the_checks_at_start_and_hourly_find_what_was_altered() {
    let scene = scene().await;
    assert!(!scene.restarted().check_head().await.unwrap().is_violated());
    assert!(!scene.restarted().check_all().await.unwrap().is_violated());
    scene.engine.alter(31, scene.entries()[3].encode());
    assert!(scene.restarted().check_head().await.unwrap().is_violated());
    assert!(scene.restarted().check_all().await.unwrap().is_violated());
}

#[tokio::test]
async fn a_log_cut_behind_its_own_checkpoints_is_found() {
    let scene = scene().await;
    scene.engine.cut(25);
    let report = scene.log.verify(&[], &scene.origin()).await.unwrap();
    let cut = Finding::CutEnd { until: 25, size: 32 };
    assert!(report.findings.kept().contains(&cut), "{:?}", report.findings);
}

#[tokio::test]
async fn a_checkpoint_kept_outside_must_be_of_this_log() {
    let scene = scene().await;
    let other = Scene::with(SoftSigner::ecdsa());
    other.act(2).await;
    other.log.checkpoint().await.unwrap();
    let report = scene.log.verify(&[note(&other).await], &scene.origin()).await.unwrap();
    assert_eq!(report.findings.kept(), [Finding::Signature { size: 2 }]);
    let other = Scene::new();
    other.act(7).await;
    other.log.checkpoint().await.unwrap();
    scene.restarted();
    let sound = Scene::new();
    sound.act(3).await;
    sound.clock.advance(1);
    sound.act(9).await;
    sound.log.checkpoint().await.unwrap();
    let report = sound.log.verify(&[note(&other).await], &sound.origin()).await.unwrap();
    assert_eq!(report.findings.kept(), [Finding::Contradicts { size: 7 }]);
}

/// Whoever can write the disk can alter the log, build its tree anew and sign it with a key of
/// their own; the store would name that key like any other.
#[tokio::test]
async fn a_checkpoint_by_a_key_that_the_token_does_not_have_is_found() {
    let scene = scene().await;
    let forger = SoftSigner::ecdsa();
    let (size, root) = scene.store.tree().await.unwrap();
    let text = Checkpoint { origin: ORIGIN.to_owned(), size, root, extensions: Vec::new() };
    let text = text.to_string();
    let Public::EcdsaP256(point) = forger.public(key()).await.unwrap() else { panic!("ECDSA") };
    let verifier = VerifierKey::new(ORIGIN, PublicKey::EcdsaP256(point)).unwrap();
    let raw = match forger.sign(key(), text.as_bytes()).await.unwrap() {
        Signature::Ed25519(raw) | Signature::EcdsaP256(raw) => raw,
    };
    let note = SignedNote::new(text, &verifier, &raw).unwrap().to_string();
    let planted = KeyId::from_bytes([9; 16]);
    let row = CheckpointRow { time: scene.clock.now(), key: planted, note, frontier: None };
    let mut changes = Changes::new();
    changes.put(Table::Checkpoint, size.to_be_bytes().to_vec(), row.encode().unwrap()).put(
        Table::Meta,
        verifier_key(planted),
        verifier.to_string(),
    );
    let entry = scene.origin().entry(scene.clock.now(), Event::LoggedIn);
    scene.store.commit(changes, entry).await.unwrap();

    let report = scene.restarted().verify(&[], &scene.origin()).await.unwrap();
    let found = [Finding::Key { key: planted }, Finding::Signature { size }];
    assert_eq!(report.findings.kept(), found);
    assert_eq!((report.keys.len(), report.covered), (1, 32));
    assert!(scene.restarted().check_head().await.unwrap().is_violated());
}

#[tokio::test]
async fn while_the_token_is_away_the_report_says_what_was_not_compared() {
    let scene = scene().await;
    scene.signer.go_away(true);
    let report = scene.log.verify(&[], &scene.origin()).await.unwrap();
    assert!(report.is_sound() && !report.keys_from_outside);
    assert_eq!(report.unchecked.len(), 1);
}

#[tokio::test]
async fn a_signing_key_that_the_token_has_lost_is_no_finding_of_the_log() {
    let scene = scene().await;
    for failure in [CustodyError::UnknownKey, CustodyError::Tampered, CustodyError::Malformed] {
        scene.signer.fail(Some(failure));
        assert!(matches!(scene.log.check_all().await.unwrap(), Integrity::Sound { .. }));
        let report = scene.log.verify(&[], &scene.origin()).await.unwrap();
        assert!(report.is_sound() && !report.keys_from_outside);
        let said = report.unchecked.concat();
        assert!(said.contains(&key().id.to_string()), "{said}");
    }
    scene.signer.fail(None);
    scene.act(1).await;
    assert!(scene.log.checkpoint().await.unwrap(), "signed again once the key is back");
}

#[tokio::test]
async fn another_key_in_the_token_under_the_stored_id_is_found() {
    let scene = scene().await;
    let other = Scene::with(SoftSigner::ecdsa());
    let log = AuditLog::new(
        scene.store.clone(),
        signed_by(other.signer.clone()),
        scene.clock.clone(),
        scene.log.0.options.clone(),
    );
    let report = log.verify(&[], &scene.origin()).await.unwrap();
    assert_eq!(report.findings.kept()[0], Finding::Key { key: key().id });
    assert!(log.integrity().is_violated());
}
