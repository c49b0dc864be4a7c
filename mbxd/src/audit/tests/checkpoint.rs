use super::scene::{ORIGIN, Scene, SoftSigner, key, signed_by};
use crate::audit::{CheckpointError, Integrity};
use crate::store::CommitError;
use mbx_common::audit::checkpoint::{Checkpoint, SignedNote};
use mbx_common::audit::{Actor, Event, Fact, Subject};

async fn newest(scene: &Scene) -> (Checkpoint, String) {
    let (size, note) = scene.log.newest_checkpoint().await.unwrap().unwrap();
    let parsed: SignedNote = note.parse().unwrap();
    let checkpoint: Checkpoint = parsed.text().parse().unwrap();
    assert_eq!(checkpoint.size, size);
    (checkpoint, note)
}

#[tokio::test]
async fn a_checkpoint_is_signed_when_entries_have_waited_long_enough() {
    for signer in [SoftSigner::ed25519(), SoftSigner::ecdsa()] {
        let scene = Scene::with(signer);
        scene.act(1).await;
        assert!(scene.log.tick().await.unwrap());
        assert!(!scene.log.tick().await.unwrap(), "nothing waits");
        scene.act(3).await;
        assert!(!scene.log.tick().await.unwrap());
        scene.clock.advance(59_999);
        assert!(!scene.log.tick().await.unwrap());
        assert_eq!(scene.log.checkpoint_status().waiting, 3);
        scene.clock.advance(1);
        assert!(scene.log.tick().await.unwrap());
        let (checkpoint, _) = newest(&scene).await;
        assert_eq!((checkpoint.size, checkpoint.origin.as_str()), (5, ORIGIN));
        let entry = scene.entries().pop().unwrap();
        assert_eq!((entry.event, entry.actor), (Event::CheckpointSigned, Actor::Daemon));
        assert_eq!(entry.facts, [Fact::TreeSize(5), Fact::TreeRoot(checkpoint.root)]);
        assert_eq!(entry.subjects, [Subject::Key(key().id)]);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_up_no_checkpoint() {
    let scene = Scene::new();
    scene.act(1).await;
    assert!(scene.log.tick().await.unwrap());
    let right = scene.clock.now();
    scene.clock.advance(365 * 24 * 3_600_000);
    scene.act(1).await;
    scene.log.tick().await.unwrap();
    scene.clock.set(right);
    scene.act(3).await;
    scene.log.tick().await.unwrap();
    scene.clock.advance(60_000);
    scene.log.tick().await.unwrap();
    assert_eq!(scene.log.checkpoint_status().waiting, 0);
}

#[tokio::test]
async fn the_first_checkpoint_of_a_log_is_signed_at_once() {
    let scene = Scene::new();
    assert!(!scene.log.tick().await.unwrap(), "nothing waits");
    scene.act(2).await;
    assert!(scene.log.tick().await.unwrap());
    assert_eq!(newest(&scene).await.0.size, 2);
    scene.act(1).await;
    let restarted = scene.restarted();
    assert!(!restarted.tick().await.unwrap(), "only the first is in a hurry");
    let (before, after) = (scene.log.checkpoint_status(), restarted.checkpoint_status());
    assert_eq!((after.size, after.signed), (Some(2), before.signed));
    assert_eq!((after.entries, after.waiting), (4, 1));
}

#[tokio::test]
async fn a_checkpoint_is_signed_when_enough_entries_have_waited() {
    let scene = Scene::new();
    scene.act(999).await;
    scene.log.tick().await.unwrap();
    let before = scene.count(Event::CheckpointSigned);
    scene.act(1000).await;
    assert!(scene.log.tick().await.unwrap());
    assert_eq!(scene.count(Event::CheckpointSigned), before + 1);
}

#[tokio::test]
async fn the_entry_of_a_checkpoint_alone_asks_for_no_further_one() {
    let scene = Scene::new();
    scene.act(1).await;
    assert!(scene.log.checkpoint().await.unwrap());
    for _ in 0..10 {
        scene.clock.advance(60_000);
        assert!(!scene.log.tick().await.unwrap());
        assert!(!scene.log.checkpoint().await.unwrap());
    }
    assert_eq!(scene.count(Event::CheckpointSigned), 1);
    assert!(!scene.restarted().checkpoint().await.unwrap());
    scene.act(1).await;
    assert!(scene.restarted().checkpoint().await.unwrap());
    assert_eq!(newest(&scene).await.0.size, 3);
}

#[tokio::test]
async fn while_the_token_is_away_acts_go_on_and_the_checkpoint_follows() {
    let scene = Scene::new();
    scene.signer.go_away(true);
    scene.act(2).await;
    let error = scene.log.checkpoint().await.unwrap_err();
    assert!(matches!(error, CheckpointError::Custody(_)));
    let status = scene.log.checkpoint_status();
    assert_eq!(status.failure.as_deref(), Some("the HSM did not sign the checkpoint"));
    scene.act(2).await;
    scene.signer.go_away(false);
    assert!(scene.log.checkpoint().await.unwrap());
    assert_eq!(newest(&scene).await.0.size, 4);
    let status = scene.log.checkpoint_status();
    assert_eq!((status.size, status.waiting, status.failure), (Some(4), 0, None));
}

#[tokio::test]
async fn a_failed_attempt_waits_its_time_before_the_next() {
    let scene = Scene::new();
    scene.act(1).await;
    scene.signer.go_away(true);
    assert!(scene.log.tick().await.is_err());
    scene.clock.advance(1000);
    assert!(!scene.log.tick().await.unwrap());
    scene.clock.advance(59_000);
    assert!(scene.log.tick().await.is_err());
}

#[tokio::test]
async fn a_signing_key_that_was_made_anew_under_the_same_id_signs_nothing() {
    let scene = Scene::new();
    scene.act(2).await;
    assert!(scene.log.checkpoint().await.unwrap());
    let other = scene.with_other_key();
    scene.act(1).await;
    let refused = other.checkpoint().await.unwrap_err();
    assert!(matches!(refused, CheckpointError::OtherKey), "{refused:?}");
    // The right one is still the one that is known.
    assert!(scene.restarted().checkpoint().await.unwrap());
}

#[tokio::test]
async fn without_a_signing_key_nothing_is_signed() {
    let scene = Scene::new();
    scene.act(1).await;
    let log = crate::audit::AuditLog::new(
        scene.store.clone(),
        crate::audit::Signer { key: Box::new(|| None), ..signed_by(scene.signer.clone()) },
        scene.clock.clone(),
        crate::audit::Options {
            origin: ORIGIN.to_owned(),
            checkpoint_every_ms: 1,
            checkpoint_entries: 1,
        },
    );
    assert!(matches!(log.checkpoint().await, Err(CheckpointError::NoKey)));
}

#[tokio::test]
async fn a_checkpoint_and_its_entry_are_stored_together_or_not_at_all() {
    let scene = Scene::new();
    scene.act(1).await;
    scene.engine.memory.refuse(Some(CommitError::Unavailable));
    assert!(scene.log.checkpoint().await.is_err());
    scene.engine.memory.refuse(None);
    assert_eq!(scene.log.newest_checkpoint().await.unwrap(), None);
    assert!(scene.log.checkpoint().await.unwrap());
}

#[tokio::test]
async fn a_log_that_is_not_what_its_tree_says_is_never_signed() {
    let scene = Scene::new();
    scene.act(5).await;
    scene.engine.alter(2, scene.entries()[3].encode());
    assert!(scene.log.checkpoint().await.is_err());
    assert!(scene.log.integrity().is_violated());
    assert_eq!(scene.log.newest_checkpoint().await.unwrap(), None);
    assert_eq!(scene.entries().pop().unwrap().event, Event::IntegrityViolated);
    scene.engine.alter(2, scene.entries()[2].encode());
    assert!(scene.log.checkpoint().await.is_err(), "somebody must look first");
    assert!(matches!(scene.log.integrity(), Integrity::Violated { .. }));
    assert_eq!(scene.count(Event::IntegrityViolated), 1);
}
