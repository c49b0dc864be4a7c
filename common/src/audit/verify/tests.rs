#![expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "small numbers")]

use super::*;
use crate::audit::checkpoint::{Checkpoint, PublicKey, SignedNote, VerifierKey};
use crate::audit::export::{
    CSV_HEADER, CheckpointLine, FileInfo, HexHash, Manifest, Proof, README, SCHEMA, csv_line,
    event_catalogue, files, json_line, tar_end, tar_header, tar_padding,
};
use crate::audit::tree::{Hash, Tree, leaf_hash, root_of, suffix_ranges};
use crate::audit::{Actor, Entry, Event};
use crate::time::{Period, Timestamp};
use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const ORIGIN: &str = "brev.example.se/audit";

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_795_491_660_000 + 1000 * second).unwrap()
}

/// A log of one entry a second, and who signs it.
#[derive(Clone)]
struct Log {
    leaves: Vec<Vec<u8>>,
    signer: u8,
}

impl Log {
    fn of(len: u64) -> Self {
        let entry = |second| {
            Entry::new(at(second), Event::LoggedIn, Actor::Local(1000)).reason(format!("n{second}"))
        };
        Self { leaves: (0..len).map(|second| entry(second).encode()).collect(), signer: 1 }
    }

    fn secret(&self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[self.signer; 32])
    }

    fn key(&self) -> VerifierKey {
        let public = PublicKey::Ed25519(self.secret().verifying_key().to_bytes());
        VerifierKey::new(ORIGIN, public).unwrap()
    }

    fn hashes(&self) -> Vec<Hash> {
        self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    fn note(&self, size: usize) -> SignedNote {
        let root = root_of(&self.hashes()[..size]);
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: size as u64,
            root,
            extensions: Vec::new(),
        };
        let text = checkpoint.to_string();
        let raw = self.secret().sign(text.as_bytes()).to_bytes();
        SignedNote::new(text, &self.key(), &raw).unwrap()
    }

    /// The export of the entries `first..until` for a period that they fill, covered at `size`.
    fn export(&self, first: usize, until: usize, size: usize) -> Export {
        let hashes = self.hashes();
        let mut before = Tree::new();
        for hash in &hashes[..first] {
            before.push(*hash);
        }
        let suffix = suffix_ranges(until as u64, size as u64);
        let proof = Proof {
            first: first as u64,
            frontier: before.peaks().iter().copied().map(HexHash).collect(),
            until: until as u64,
            size: size as u64,
            suffix: suffix
                .iter()
                .map(|range| HexHash(root_of(&hashes[range.start as usize..range.end as usize])))
                .collect(),
        };
        let checkpoints = (first..=until).filter(|at| at % 10 == 0 && *at > 0).map(|at| {
            let line = CheckpointLine { size: at as u64, note: self.note(at).to_string() };
            serde_json::to_string(&line).unwrap() + "\n"
        });
        let span = first..until;
        let lines = span.clone().map(|at| json_line(at as u64, &self.leaves[at]));
        let table = span.map(|at| csv_line(at as u64, &self.leaves[at]));
        let since = if first == 0 { at(0) } else { at(first as u64 + 1) };
        let end = if until == size { at(until as u64) } else { at(until as u64 - 1) };
        Export {
            period: Period { from: since, until: end },
            first: first as u64,
            until: until as u64,
            contents: vec![
                (files::README, README.to_owned()),
                (files::KEYS, format!("{}\n", self.key())),
                (files::CHECKPOINT, self.note(size).to_string()),
                (files::PROOF, serde_json::to_string(&proof).unwrap()),
                (files::CHECKPOINTS, checkpoints.collect()),
                (files::EVENTS, event_catalogue()),
                (files::ENTRIES, lines.collect()),
                (files::TABLE, CSV_HEADER.to_owned() + &table.collect::<String>()),
            ],
        }
    }
}

/// An export whose manifest is made anew after every change: what an attacker would do.
#[derive(Clone)]
struct Export {
    period: Period,
    first: u64,
    until: u64,
    contents: Vec<(&'static str, String)>,
}

impl Export {
    fn content(&mut self, name: &str) -> &mut String {
        &mut self.contents.iter_mut().find(|(known, _)| *known == name).unwrap().1
    }

    fn lines(&mut self, change: impl FnOnce(&mut Vec<String>)) -> &mut Self {
        let text = self.content(files::ENTRIES);
        let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        change(&mut lines);
        *text = lines.concat();
        self
    }

    fn manifest(&self) -> String {
        let info = |(name, content): &(&str, String)| FileInfo {
            name: (*name).to_owned(),
            len: content.len() as u64,
            sha256: HexHash(Sha256::digest(content).into()),
        };
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            origin: ORIGIN.to_owned(),
            period: self.period,
            created: at(1_000_000),
            first: self.first,
            until: self.until,
            files: self.contents.iter().map(info).collect(),
        };
        serde_json::to_string(&manifest).unwrap()
    }

    fn tar(&self, manifest: &str) -> Vec<u8> {
        let all = std::iter::once((files::MANIFEST, manifest))
            .chain(self.contents.iter().map(|(name, content)| (*name, content.as_str())));
        let mut bytes = Vec::new();
        for (name, content) in all {
            let len = content.len() as u64;
            bytes.extend(tar_header(name, len, at(0)).unwrap());
            bytes.extend(content.as_bytes());
            bytes.extend(vec![0; tar_padding(len)]);
        }
        bytes.extend(tar_end());
        bytes
    }

    fn check(&self, trust: Trust) -> Report {
        verify_export(&self.tar(&self.manifest())[..], trust).unwrap()
    }

    fn findings(&self) -> Vec<Finding> {
        self.check(Trust::default()).findings.kept().to_vec()
    }

    fn findings_with(&self, anchor: SignedNote) -> Vec<Finding> {
        let trust = Trust { keys: Vec::new(), anchors: vec![anchor] };
        self.check(trust).findings.kept().to_vec()
    }
}

#[test]
fn a_whole_log_and_any_part_of_it_are_sound() {
    let log = Log::of(57);
    for (first, until, size) in [(0, 57, 57), (0, 30, 57), (13, 40, 50), (40, 41, 57), (56, 57, 57)]
    {
        let report = log.export(first, until, size).check(Trust::default());
        assert_eq!(report.findings.kept(), [], "{first}..{until} at {size}");
        assert!(report.is_sound());
        assert_eq!((report.first, report.until), (first as u64, until as u64));
        assert_eq!(report.covered, size as u64);
        assert!(!report.keys_from_outside);
        assert_eq!(report.unread, 0);
    }
}

#[test]
fn an_altered_entry_is_named_by_its_position_alone() {
    let mut export = Log::of(57).export(0, 57, 57);
    let altered = Log::of(58).leaves[57].clone();
    let line = json_line(23, &altered);
    let leaf = line.split("\"leaf\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    export.lines(|lines| {
        let old =
            lines[23].split("\"leaf\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        lines[23] = lines[23].replace(&old, &leaf);
    });
    let findings = export.findings();
    assert_eq!(findings[0], Finding::Altered { position: 23 });
    assert_eq!(findings[1..], [Finding::Table]);
}

#[test]
fn altered_words_beside_unaltered_bytes_are_named_by_position() {
    let mut export = Log::of(57).export(0, 57, 57);
    export.lines(|lines| lines[5] = lines[5].replace("uid 1000", "uid 1001"));
    assert_eq!(export.findings(), [Finding::Altered { position: 5 }]);
}

#[test]
fn an_entry_altered_with_its_hash_and_words_is_found_between_two_checkpoints() {
    let mut log = Log::of(57);
    let signed = log.export(0, 57, 57);
    log.leaves[23] = Log::of(58).leaves[57].clone();
    let mut export = log.export(0, 57, 57);
    for name in [files::CHECKPOINT, files::CHECKPOINTS] {
        *export.content(name) = signed.clone().content(name).clone();
    }
    let findings = export.findings();
    assert_eq!(findings[0], Finding::Between { after: 20, until: 30 });
}

#[test]
fn a_removed_entry_is_named_by_its_position() {
    let mut export = Log::of(57).export(0, 57, 57);
    export.lines(|lines| drop(lines.remove(23)));
    assert!(export.findings().contains(&Finding::Missing { from: 23, until: 24 }));
}

#[test]
fn a_removed_entry_whose_followers_are_renumbered_is_found() {
    let mut log = Log::of(57);
    let signed = log.export(0, 57, 57);
    log.leaves.remove(23);
    let mut export = log.export(0, 56, 56);
    for name in [files::CHECKPOINT, files::CHECKPOINTS] {
        *export.content(name) = signed.clone().content(name).clone();
    }
    let findings = export.findings();
    assert!(findings.contains(&Finding::Between { after: 20, until: 30 }), "{findings:?}");
}

#[test]
fn reordered_entries_are_named_by_their_positions() {
    let mut export = Log::of(57).export(0, 57, 57);
    export.lines(|lines| lines.swap(23, 24));
    let findings = export.findings();
    assert_eq!(findings[0], Finding::Missing { from: 23, until: 24 });
    assert!(findings.contains(&Finding::Reordered { position: 25, found: 23 }), "{findings:?}");
}

#[test]
fn an_added_entry_is_found() {
    let mut export = Log::of(57).export(0, 57, 57);
    export.lines(|lines| lines.insert(30, lines[29].clone()));
    assert!(export.findings().contains(&Finding::Reordered { position: 30, found: 29 }));
    let mut export = Log::of(57).export(0, 57, 57);
    let extra = json_line(57, &Log::of(58).leaves[57]);
    export.lines(|lines| lines.push(extra));
    assert!(export.findings().contains(&Finding::File { name: files::ENTRIES }));
}

#[test]
fn an_entry_that_cannot_be_read_is_named() {
    let mut export = Log::of(57).export(0, 57, 57);
    export.lines(|lines| lines[8] = "{}\n".to_owned());
    assert!(export.findings().contains(&Finding::Unreadable { position: 8 }));
}

#[test]
fn a_cut_end_is_found_against_a_checkpoint_held_outside() {
    let log = Log::of(57);
    let cut = log.export(0, 40, 40);
    assert!(cut.check(Trust::default()).is_sound(), "nothing in itself tells");
    assert_eq!(cut.findings_with(log.note(57)), [Finding::CutEnd { until: 40, size: 57 }]);
    let claimed = Export { period: Period { until: at(100), ..cut.period }, ..cut.clone() };
    assert_eq!(claimed.findings_with(log.note(41)), [Finding::CutEnd { until: 40, size: 41 }]);
    let report =
        cut.check(Trust { keys: vec![log.key()], anchors: vec![log.note(40), log.note(7)] });
    assert!(report.is_sound() && report.keys_from_outside);
    assert_eq!(report.anchors, 2);
}

#[test]
fn a_checkpoint_past_a_closed_period_is_told_as_not_checked() {
    let log = Log::of(57);
    let export = log.export(0, 30, 35);
    let report = export.check(Trust { keys: Vec::new(), anchors: vec![log.note(57)] });
    assert!(report.is_sound());
    assert_eq!(report.unchecked.len(), 1, "{:?}", report.unchecked);
}

#[test]
fn entries_left_out_at_the_borders_of_the_period_are_found() {
    let log = Log::of(57);
    let mut export = log.export(13, 40, 50);
    export.period.from = at(5);
    assert_eq!(export.findings(), [Finding::CutFront { first: 13 }]);
    let mut export = log.export(13, 40, 50);
    export.period.until = at(45);
    assert_eq!(export.findings(), [Finding::CutPeriod { until: 40 }]);
}

#[test]
fn history_written_anew_by_the_signer_contradicts_a_checkpoint_held_outside() {
    let log = Log::of(57);
    let mut other = log.clone();
    other.leaves[3] = Log::of(58).leaves[57].clone();
    let export = other.export(0, 57, 57);
    assert!(export.check(Trust::default()).is_sound(), "nothing in itself tells");
    assert_eq!(export.findings_with(log.note(20)), [Finding::Contradicts { size: 20 }]);
    assert_eq!(export.findings_with(log.note(3)), []);
    let covered = other.export(0, 30, 57);
    assert_eq!(covered.findings_with(log.note(57)), [Finding::Contradicts { size: 57 }]);
}

#[test]
fn a_log_signed_by_somebody_else_is_found_by_the_key_or_by_a_checkpoint() {
    let (log, forger) = (Log::of(57), Log { signer: 9, ..Log::of(57) });
    let export = forger.export(0, 57, 57);
    let report = export.check(Trust { keys: vec![log.key()], anchors: Vec::new() });
    assert!(report.findings.kept().contains(&Finding::Signature { size: 57 }));
    assert_eq!(report.checkpoints, 0);
    assert_eq!(export.findings_with(log.note(57)), [Finding::Signature { size: 57 }]);
}

#[test]
fn a_checkpoint_of_another_log_or_with_a_false_signature_is_found() {
    let log = Log::of(57);
    let mut export = log.export(0, 57, 57);
    let note = log.note(57).to_string();
    *export.content(files::CHECKPOINT) = note.replacen("57", "58", 1);
    assert!(export.findings().contains(&Finding::Signature { size: 58 }));
    let mut export = log.export(0, 57, 57);
    *export.content(files::CHECKPOINTS) = "nonsense\n".to_owned();
    assert_eq!(export.findings(), [Finding::Checkpoint { after: 0 }]);
}

#[test]
fn a_table_that_says_something_else_is_found() {
    let mut export = Log::of(57).export(0, 57, 57);
    let table = export.content(files::TABLE);
    *table = table.replacen("uid 1000", "uid 1001", 1);
    assert_eq!(export.findings(), [Finding::Table]);
}

#[test]
fn a_missing_file_is_found() {
    for name in files::ALL.into_iter().skip(1) {
        let mut export = Log::of(57).export(0, 57, 57);
        export.contents.retain(|(known, _)| *known != name);
        assert!(export.findings().contains(&Finding::File { name }), "{name}");
    }
}

#[test]
fn entries_of_kinds_unknown_to_this_program_are_hashed_and_told() {
    let mut log = Log::of(20);
    log.leaves[7] = b"\x02of a later version".to_vec();
    let report = log.export(0, 20, 20).check(Trust::default());
    assert!(report.is_sound());
    assert_eq!((report.unread, report.unchecked.len()), (1, 1));
}

#[test]
fn what_is_no_export_is_refused() {
    assert!(matches!(verify_export(&[][..], Trust::default()), Err(VerifyError::Tar(_))));
    let zeros = [0; 1024];
    assert!(matches!(verify_export(&zeros[..], Trust::default()), Err(VerifyError::Form)));
    let export = Log::of(3).export(0, 3, 3);
    let later = export.manifest().replace("export/1", "export/2");
    assert!(matches!(
        verify_export(&export.tar(&later)[..], Trust::default()),
        Err(VerifyError::Form)
    ));
}

#[test]
fn a_size_beside_a_note_that_is_not_the_notes_is_found() {
    let mut export = Log::of(25).export(3, 20, 25);
    let (_, content) =
        export.contents.iter_mut().find(|(name, _)| *name == files::CHECKPOINTS).unwrap();
    assert!(content.starts_with("{\"size\":10,"));
    *content = content.replacen("{\"size\":10,", "{\"size\":11,", 1);
    let manifest = export.manifest();
    let report = verify_export(&export.tar(&manifest)[..], Trust::default()).unwrap();
    assert!(!report.is_sound());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever byte of whatever file is changed, with the manifest left as it was or made anew,
    /// the check says so.
    #[test]
    fn a_flipped_byte_is_found(file in 0..8_usize, place: prop::sample::Index, anew: bool) {
        let mut export = Log::of(25).export(3, 20, 25);
        let manifest = export.manifest();
        let (name, content) = &mut export.contents[file];
        let mut bytes = std::mem::take(content).into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
        *content = String::from_utf8_lossy(&bytes).into_owned();
        let name = *name;
        // README and catalogue are for people: only the manifest speaks for them.
        let is_for_people = matches!(name, files::README | files::EVENTS);
        let manifest = if anew && !is_for_people { export.manifest() } else { manifest };
        let report = verify_export(&export.tar(&manifest)[..], Trust::default()).unwrap();
        prop_assert!(!report.is_sound(), "{name} at {place}");
    }

    /// The live check finds a changed leaf and a changed tree.
    #[test]
    fn following_a_live_log_finds_what_was_changed(change: prop::sample::Index) {
        let log = Log::of(25);
        let expected = |log: &Log, size: usize| Expected {
            size: size as u64, root: root_of(&log.hashes()[..size]), source: Source::Inside,
        };
        let roots = vec![expected(&log, 10), expected(&log, 20), expected(&log, 25)];
        let follow = |leaves: &[Vec<u8>]| {
            let mut chain = Chain::new(Tree::new(), roots.clone());
            for leaf in leaves {
                chain.leaf(leaf);
            }
            chain.finish_live((25, &root_of(&log.hashes())))
        };
        let live = follow(&log.leaves);
        prop_assert_eq!((live.findings.count(), live.inside, live.covered), (0, 3, 25));
        let mut leaves = log.leaves.clone();
        let change = change.index(25);
        leaves[change].push(0);
        let findings = follow(&leaves).findings;
        let (after, until) = if change < 10 { (0, 10) } else if change < 20 { (10, 20) } else { (20, 25) };
        prop_assert_eq!(findings.kept(), [Finding::Between { after, until }, Finding::Tree { size: 25 }]);
        let findings = follow(&log.leaves[..24]).findings;
        let cut = Finding::CutEnd { until: 24, size: 25 };
        prop_assert!(findings.kept().contains(&cut));
    }
}

/// The export that an earlier version wrote is sound for every later one.
#[test]
fn the_export_of_the_first_release_verifies() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/audit-export.tar");
    let bytes = std::fs::read(path).unwrap();
    let report = verify_export(&bytes[..], Trust::default()).unwrap();
    assert_eq!(report.findings.kept(), []);
    assert_eq!((report.unread, report.unchecked.len()), (0, 0));
}
