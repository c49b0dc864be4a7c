//! Holds the structure of the workspace: who may import whom, how long a file may be, and that
//! every room stands in the table.
#![expect(clippy::panic, clippy::unwrap_used, reason = "what does not hold fails the test")]

mod dependencies;
mod documents;
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Production lines that a file may have at most; the aim is 150.
const FILE_LINES_MAX: usize = 600;

#[derive(serde::Deserialize)]
struct Layers {
    everywhere: Vec<String>,
    rooms: BTreeMap<String, Vec<String>>,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn layers() -> Layers {
    toml::from_str(include_str!("layers.toml")).unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_import_between_rooms_stands_in_the_table() {
    let layers = layers();
    let root = workspace().join("mbxd/src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let Some(own) = imports::room(relative) else { continue };
        let allowed = layers.rooms.get(&own).unwrap_or_else(|| panic!("room {own} is unlisted"));
        if allowed.iter().any(|name| name == "*") {
            continue;
        }
        for used in imports::rooms_used(&file, relative) {
            let fine = used == own
                || layers.everywhere.contains(&used)
                || allowed.contains(&used)
                || !layers.rooms.contains_key(&used);
            if !fine {
                wrong.push(format!("{}: {own} uses {used}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that the table lacks:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_exactly_the_rooms_there_are_and_no_cycle() {
    let layers = layers();
    let root = workspace().join("mbxd/src");
    let there: BTreeSet<String> = sources(&root)
        .iter()
        .filter_map(|file| imports::room(file.strip_prefix(&root).unwrap()))
        .collect();
    let listed: BTreeSet<String> = layers.rooms.keys().cloned().collect();
    assert_eq!(there, listed);
    for room in layers.rooms.keys() {
        let mut reached = BTreeSet::new();
        let mut open = vec![room];
        while let Some(next) = open.pop() {
            for used in layers.rooms.get(next).into_iter().flatten().filter(|used| *used != "*") {
                assert_ne!(used, room, "the table lets {room} reach itself through {next}");
                if reached.insert(used) {
                    open.push(used);
                }
            }
        }
    }
}

/// The compiler holds that there is no grant but of `access::decide`, and that the one place
/// which opens a holder's key asks for one; this holds that there is no other place.
#[test]
fn a_holders_key_is_opened_in_one_place_which_asks_for_a_grant() {
    let root = workspace().join("mbxd/src");
    let mut places = Vec::new();
    for file in sources(&root) {
        let relative = file.strip_prefix(&root).unwrap().display().to_string();
        if relative.starts_with("keys/") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        places.extend(text.matches(".unlock_tier(").map(|_| relative.clone()));
    }
    assert_eq!(places, ["mailbox/reading/content.rs"]);
    let text = std::fs::read_to_string(root.join("mailbox/reading/content.rs")).unwrap();
    let (before, _) = text.split_once(".unlock_tier(").unwrap();
    let (_, signature) = before.rsplit_once("fn ").unwrap();
    assert!(
        signature.starts_with("unlock(\n        &self,\n        grant: &Grant,"),
        "{signature}"
    );
}

#[test]
fn product_crates_depend_on_each_other_outwards_only() {
    let manifest = |name: &str| {
        let text = std::fs::read_to_string(workspace().join(name).join("Cargo.toml")).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        table["dependencies"].as_table().unwrap().keys().cloned().collect::<BTreeSet<_>>()
    };
    assert!(!manifest("common").iter().any(|name| name.starts_with("mbx")));
    assert!(!manifest("mbxd").contains("mbxctl"));
    let mbxctl = manifest("mbxctl");
    assert!(!mbxctl.contains("mbxd"));
    for forbidden in ["aes", "hpke", "cryptoki", "redb"] {
        assert!(!mbxctl.contains(forbidden), "mbxctl can never decrypt content: {forbidden}");
    }
}

#[test]
fn no_file_outgrows_one_idea() {
    let mut long = Vec::new();
    for crate_name in ["common", "mbxd", "mbxctl"] {
        for file in sources(&workspace().join(crate_name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
            let is_test = file.file_stem().is_some_and(|stem| stem == "tests");
            if lines > FILE_LINES_MAX && !is_test {
                long.push(format!("{lines} {}", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "files over {FILE_LINES_MAX} production lines:\n{}", long.join("\n"));
}

#[test]
fn unsafe_stands_in_the_fault_module_alone() {
    let root = workspace();
    for crate_name in ["common", "mbxd", "mbxctl", "tests", "benches"] {
        for file in sources(&root.join(crate_name)) {
            if file.starts_with(root.join("tests/p11fault"))
                || file.starts_with(root.join("tests/arch"))
            {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let used = text.lines().any(|line| {
                line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
                    && !line.trim_start().starts_with("//")
            });
            assert!(!used, "unsafe in {}", file.display());
        }
    }
}
