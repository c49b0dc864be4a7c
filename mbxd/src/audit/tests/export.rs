use super::scene::{ORIGIN, Scene};
use crate::audit::{AuditError, Export, Form};
use crate::store::CommitError;
use mbx_common::audit::checkpoint::SignedNote;
use mbx_common::audit::verify::{Finding, Report, Trust, verify_export};
use mbx_common::audit::{Entry, Event, Fact};
use mbx_common::error::Kind;
use mbx_common::time::{Period, Timestamp};

fn start() -> Timestamp {
    "2026-11-24T03:41:00Z".parse().unwrap()
}

fn period(from_s: u64, until_s: u64) -> Period {
    Period { from: start().plus_millis(1000 * from_s), until: start().plus_millis(1000 * until_s) }
}

async fn read(mut export: Export) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    assert_eq!(u64::try_from(bytes.len()).unwrap(), export.len());
    bytes
}

async fn export(scene: &Scene, period: Period) -> Vec<u8> {
    read(scene.log.export(period, Form::Whole, &scene.origin()).await.unwrap()).await
}

fn check(bytes: &[u8]) -> Report {
    verify_export(bytes, Trust::default()).unwrap()
}

/// Three thousand entries, one a second, a checkpoint every 250.
async fn scene() -> Scene {
    let scene = Scene::new();
    for _ in 0..12 {
        scene.act(250).await;
        scene.log.checkpoint().await.unwrap();
    }
    scene
}

#[tokio::test]
async fn the_whole_log_is_exported_and_verifies_offline() {
    let scene = scene().await;
    scene.act(5).await;
    let report = check(&export(&scene, period(0, 100_000)).await);
    assert_eq!(report.findings.kept(), []);
    assert_eq!((report.origin.as_str(), report.first), (ORIGIN, 0));
    // The entry of the last checkpoint lies past that checkpoint.
    let entries = u64::try_from(scene.entries().len()).unwrap();
    assert_eq!((report.until, report.covered), (entries - 2, entries - 2));
    assert_eq!(report.checkpoints, 13);
}

#[tokio::test]
async fn a_period_is_exported_with_one_entry_more_at_each_end() {
    let scene = scene().await;
    for (from, until) in [(2, 3), (251, 260), (700, 1900), (2999, 3000), (1400, 1401)] {
        let bytes = export(&scene, period(from, until)).await;
        let report = check(&bytes);
        assert_eq!(report.findings.kept(), [], "{from}..{until}");
        assert_eq!(report.period, Some(period(from, until)));
        let entries = scene.entries();
        let span = usize::try_from(report.first).unwrap()..usize::try_from(report.until).unwrap();
        let within = |time: &Timestamp| period(from, until).contains(*time);
        let all = entries.iter().filter(|entry| within(&entry.time)).count();
        let exported = &entries[span];
        let times: Vec<Timestamp> = exported.iter().map(|entry| entry.time).collect();
        assert_eq!(times.iter().filter(|time| within(time)).count(), all);
        assert_eq!(times.len(), all + 2, "{from}..{until}");
    }
}

#[tokio::test]
async fn a_period_without_entries_shows_its_two_neighbours() {
    let scene = scene().await;
    scene.clock.advance(86_400_000);
    scene.act(5).await;
    let report = check(&export(&scene, period(10_000, 20_000)).await);
    assert_eq!(report.findings.kept(), []);
    assert_eq!(report.until - report.first, 2);
}

#[tokio::test]
async fn after_a_clock_that_was_wrong_for_a_while_a_period_is_exported_whole() {
    let hour = 3_600_000;
    for wrong_ms in [start().as_millis() + 1000 * hour, start().as_millis() - 1000 * hour] {
        let scene = Scene::new();
        let acts = async |scene: &Scene| {
            scene.act(3).await;
            scene.log.checkpoint().await.unwrap();
        };
        acts(&scene).await;
        let right = scene.clock.now();
        scene.clock.set(Timestamp::from_millis(wrong_ms).unwrap());
        acts(&scene).await;
        scene.clock.set(right.plus_millis(60_000));
        for _ in 0..3 {
            acts(&scene).await;
            scene.clock.advance(2 * hour);
        }
        let all = Period { from: start().minus_millis(1), until: scene.clock.now() };
        let report = check(&export(&scene, all).await);
        let entries = scene.entries();
        let within = |entry: &&Entry| all.contains(entry.time) && entry.event == Event::LoggedIn;
        let last = entries.iter().rposition(|entry| within(&entry)).unwrap();
        assert_eq!(report.first, 0);
        assert!(report.until > u64::try_from(last).unwrap(), "{} of {last}", report.until);
    }
}

#[tokio::test]
async fn an_export_is_recorded_before_it_is_given_out() {
    let scene = scene().await;
    let export = scene.log.export(period(10, 20), Form::Whole, &scene.origin()).await.unwrap();
    let entry = scene.entries().pop().unwrap();
    assert_eq!(entry.event, Event::AuditExported);
    let facts =
        [Fact::Moment(period(10, 20).from), Fact::Moment(period(10, 20).until), Fact::Count(12)];
    assert_eq!(entry.facts, facts);
    assert_eq!(export.manifest().until - export.manifest().first, 12);
    scene.engine.memory.refuse(Some(CommitError::Unavailable));
    let refused = scene.log.export(period(10, 20), Form::Whole, &scene.origin()).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Unavailable);
}

#[tokio::test]
async fn while_the_token_is_away_an_export_ends_at_the_newest_checkpoint() {
    let scene = scene().await;
    scene.signer.go_away(true);
    scene.act(50).await;
    let export = scene.log.export(period(0, 100_000), Form::Whole, &scene.origin()).await.unwrap();
    let covered = export.covered();
    let report = check(&read(export).await);
    assert_eq!(report.findings.kept(), []);
    assert_eq!((report.until, report.covered), (covered, covered));
}

#[tokio::test]
async fn a_log_without_a_checkpoint_has_no_export() {
    let scene = Scene::new();
    scene.act(3).await;
    scene.signer.go_away(true);
    let refused = scene.log.export(period(0, 10), Form::Whole, &scene.origin()).await;
    assert!(matches!(refused, Err(AuditError::NoCheckpoint)));
    let refused = scene.log.export(period(10, 10), Form::Whole, &scene.origin()).await;
    assert!(matches!(refused, Err(AuditError::Period)));
}

#[tokio::test]
async fn an_older_export_is_cut_against_the_newest_checkpoint() {
    let scene = scene().await;
    let bytes = export(&scene, period(0, 100_000)).await;
    scene.act(5).await;
    scene.log.checkpoint().await.unwrap();
    let (size, note) = scene.log.newest_checkpoint().await.unwrap().unwrap();
    let anchors: Vec<SignedNote> = vec![note.parse().unwrap()];
    let report = verify_export(&bytes[..], Trust { keys: Vec::new(), anchors }).unwrap();
    let until = report.until;
    assert_eq!(report.findings.kept(), [Finding::CutEnd { until, size }]);
}

#[tokio::test]
async fn the_table_alone_has_a_row_per_entry() {
    let scene = scene().await;
    let export = scene.log.export(period(10, 20), Form::Table, &scene.origin()).await.unwrap();
    let text = String::from_utf8(read(export).await).unwrap();
    assert_eq!(text.lines().count(), 13);
    assert!(text.starts_with("position,time,event,"));
}

#[tokio::test]
async fn following_begins_at_a_stored_frontier() {
    let scene = Scene::new();
    scene.act(4200).await;
    scene.log.checkpoint().await.unwrap();
    scene.act(100).await;
    scene.log.checkpoint().await.unwrap();
    let log = scene.restarted();
    assert_eq!(log.tree_before(4301).await.unwrap().size(), 4200);
    assert_eq!(log.tree_before(4199).await.unwrap().size(), 0);
    assert_eq!(check(&export(&scene, period(4210, 4250)).await).findings.kept(), []);
}
