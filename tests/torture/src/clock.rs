//! A machine whose clock leaps, both ways, under a running daemon; odd time zones.

use crate::programme::{Programme, Run};
use crate::scene::Scene;
use mbx_tests::installation::FIRST;
use rand::RngExt as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The programme.
pub(crate) const CLOCK: Programme =
    Programme { name: "clock", what: "clocks that leap and time zones that are odd", run };

/// Takes the wall clock from a file; the monotonic one stays true.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Leaps of one round.
const LEAPS: usize = 6;

/// Values of `TZ`, some of them no time zone.
const ZONES: [&str; 6] =
    ["Europe/Stockholm", "America/St_Johns", "XXX-14:59:59", ":no/such", "", "<+1245>-12:45"];

fn run(round: &mut Run) {
    if !Path::new(LIBRARY).exists() {
        return round.done(0, "leaps");
    }
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return round.finding("no runtime can be started");
    };
    runtime.block_on(leap(round));
}

async fn leap(round: &mut Run) {
    let mut random = round.rng("leaps");
    let zone = ZONES.get(random.random_range(0..ZONES.len())).copied().unwrap_or_default();
    let Ok(folder) = tempfile::tempdir() else { return round.finding("no folder") };
    let file = folder.path().join("clock");
    set(&file, 0);
    let config = "[audit]\ncheckpoint_every = \"1 s\"\n".to_owned();
    let scene = Scene::new(config, |mbxd| {
        mbxd.env("LD_PRELOAD", LIBRARY)
            .env("FAKETIME_TIMESTAMP_FILE", &file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("TZ", zone);
    });
    for _ in 0..LEAPS {
        let running = scene.start_load();
        let seconds = seconds(&mut random);
        set(&file, seconds);
        tokio::time::sleep(Duration::from_millis(random.random_range(500..4000))).await;
        set(&file, 0);
        for finding in running.stop().await {
            round.finding(format_args!("{seconds} s, TZ={zone:?}: {finding}"));
        }
        let what = format!("after {seconds} s and back, TZ={zone:?}");
        scene.recovers(round, &what).await;
        scene.installation().login(FIRST);
        waits_for_checkpoint(&scene, round, &what).await;
        round.done(1, "leaps");
    }
    let log = scene.installation().log();
    if !log.contains("mbxd is ready") || log.lines().any(|line| !is_in_utc(line)) {
        round.finding(format_args!("TZ={zone:?}: the log is not in UTC"));
    }
    scene.end(round, "at the end").await;
}

/// From a leap second to some years, either way.
fn seconds(random: &mut impl rand::Rng) -> i64 {
    let size = match random.random_range(0..5) {
        0 => 1,
        1 => random.random_range(2..120),
        2 => random.random_range(120..7200),
        3 => random.random_range(7200..86_400 * 40),
        _ => random.random_range(86_400 * 40..86_400 * 2000),
    };
    if random.random() { size } else { -size }
}

/// Sets how far the clock is ahead.
fn set(file: &Path, seconds: i64) {
    let beside = file.with_extension("new");
    let written =
        fs::write(&beside, format!("{seconds:+}\n")).and_then(|()| fs::rename(&beside, file));
    assert!(written.is_ok(), "the clock cannot be set");
}

/// Entries are signed for in a clock that is right again.
async fn waits_for_checkpoint(scene: &Scene, round: &mut Run, what: &str) {
    let signed = || {
        let newest = ["audit", "search", "--event", "MBX-A601", "--limit", "1"];
        let found = scene.installation().json(&newest);
        found.pointer("/data/0/position").and_then(serde_json::Value::as_u64).unwrap_or_default()
    };
    let before = signed();
    for _ in 0..200 {
        if signed() > before {
            return;
        }
        // Each look is an entry that waits.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    round.finding(format_args!("{what}: no checkpoint is signed"));
}

/// Whether a line of the log begins with a moment in UTC, or goes on from the one before.
fn is_in_utc(line: &str) -> bool {
    let moment = line.split(' ').next().unwrap_or_default();
    !moment.starts_with("20") || moment.ends_with('Z')
}
