//! Replays the corpus of the fuzzer: whatever bytes come, nothing panics, everything ends soon,
//! and what was read is what would be written. `fuzz/README.md` tells how the corpus grows.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what does not hold fails the test"
)]

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a library to the fuzzer")]
mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As much as the daemon's threads have.
const STACK_LEN: usize = 2 << 20;
/// Longest time on the processor for one input, in a build that is not optimised.
const TIME_MAX: Duration = Duration::from_secs(2);

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

/// Names in a folder, without endings.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Time that this thread has had the processor.
fn time_on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn replay(target: &'static str) {
    let folder = fuzz().join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{target} has a corpus of {} files", files.len());
    for file in files {
        let name = format!("{target}/{}", file.file_name().unwrap().display());
        let bytes = std::fs::read(&file).unwrap();
        let run = move || {
            let before = time_on_processor();
            targets::run(target, &bytes);
            time_on_processor().saturating_sub(before)
        };
        let thread = std::thread::Builder::new().name(name.clone()).stack_size(STACK_LEN);
        let ended = thread.spawn(run).unwrap().join();
        let time = ended.unwrap_or_else(|_| panic!("{name} breaks a promise, see above"));
        assert!(time < TIME_MAX, "{name} took {time:?}");
    }
}

macro_rules! replays {
    ($($target:ident),+ $(,)?) => {
        const REPLAYED: &[&str] = &[$(stringify!($target)),+];
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })+
    };
}

replays!(
    assertion,
    audit_entry,
    audit_export,
    certificate,
    checkpoint,
    config,
    content,
    control,
    identity,
    keys,
    log_record,
    manifest,
    range,
    rows,
    signature,
    soap,
);

#[test]
fn every_target_has_its_program_its_corpus_and_its_replay() {
    let targets: BTreeSet<String> =
        targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets, REPLAYED.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(targets, names(&fuzz().join("corpus")));
    assert_eq!(targets, names(&fuzz().join("fuzz_targets")));
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in targets {
        assert!(manifest.contains(&format!("name = \"{target}\"\n")), "no program runs {target}");
    }
}
