//! Holds the documents against the tree: what they name is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every file of the tree that is ours, relative to its root.
fn files(root: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| !["target", ".git"].iter().any(|name| entry.file_name() == *name))
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| path.strip_prefix(root).unwrap().to_owned())
        .collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A row of a Markdown table as its cells.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// What the document names of a file and does not find there: `file.rs::Type::function`.
fn is_there(root: &Path, there: &[PathBuf], name: &str) -> bool {
    let mut parts = name.split("::");
    let path = parts.next().unwrap_or_default();
    let words: Vec<&str> = parts.collect();
    there.iter().filter(|file| file.ends_with(path)).any(|file| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        words.iter().all(|word| text.split(|c| !is_word(c)).any(|found| found == *word))
    })
}

#[test]
fn every_file_and_function_that_the_architecture_names_is_there() {
    let root = super::workspace();
    let there = files(&root);
    let text = std::fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let outside_of_blocks: String = text.split("```").step_by(2).collect();
    let names: BTreeSet<&str> = quoted(&outside_of_blocks)
        .map(|name| name.split('(').next().unwrap_or_default())
        .filter(|name| {
            let path = Path::new(name.split("::").next().unwrap_or_default());
            path.extension().is_some_and(|kind| kind == "rs")
        })
        .collect();
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !is_there(&root, &there, name)).collect();
    assert!(missing.is_empty(), "what docs/architecture.md names: {missing:?}");
    assert!(text.lines().count() <= 250, "docs/architecture.md is read whole or not at all");
}

#[test]
fn the_architecture_tells_of_every_room() {
    let text = std::fs::read_to_string(super::workspace().join("docs/architecture.md")).unwrap();
    for room in super::layers().rooms.keys() {
        assert!(text.contains(&format!("**{room}**")), "no word about the room {room}");
    }
}

/// `K3.3`, with a letter or a Roman numeral behind it where a requirement has parts.
fn is_requirement(text: &str) -> bool {
    let Some((chapter, rest)) = text.strip_prefix('K').and_then(|text| text.split_once('.')) else {
        return false;
    };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = rest.strip_suffix(digits).unwrap_or_default();
    let part_is_known = matches!(digits, "" | "a" | "b" | "c" | "d")
        || digits.strip_prefix('-').is_some_and(|part| ["i", "ii", "iii", "iv"].contains(&part));
    matches!(chapter, "1" | "2" | "3" | "4" | "5" | "6" | "7")
        && matches!(number.len(), 1 | 2)
        && !number.starts_with('0')
        && part_is_known
}

/// Whether the file has this function as a test: by an attribute, or named in `suite!`, which makes
/// one test of it for each token.
fn has_test(text: &str, name: &str) -> bool {
    let suite = text.split("suite! {").nth(1).and_then(|rest| rest.split('}').next());
    if suite.is_some_and(|names| names.split_whitespace().any(|listed| listed == name)) {
        return true;
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let place = lines.iter().position(|line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    });
    let above = lines.iter().take(place.unwrap_or(0)).rev();
    above
        .take_while(|line| line.starts_with(['#', '/']))
        .any(|line| line.starts_with("#[") && line.contains("test"))
}

#[test]
fn each_requirement_names_tests_that_exist() {
    let root = super::workspace();
    let text = std::fs::read_to_string(root.join("docs/requirements.md")).unwrap();
    let (mut rows, mut tests, mut wrong) = (0, 0, Vec::new());
    for row in text.lines().filter_map(cells).filter(|row| row.first().is_some_and(is_row)) {
        rows += 1;
        let number = row.first().copied().unwrap_or_default();
        if !is_requirement(number) {
            wrong.push(format!("{number} has not the shape of a requirement"));
        }
        let mut named = 0;
        for name in quoted(row.get(2).copied().unwrap_or_default()) {
            named += 1;
            let Some((file, function)) = name.split_once("::") else {
                wrong.push(format!("{number}: {name} is no file::function"));
                continue;
            };
            match std::fs::read_to_string(root.join(file)) {
                Ok(text) if has_test(&text, function) => {}
                Ok(_) => wrong.push(format!("{number}: no test {function} in {file}")),
                Err(_) => wrong.push(format!("{number}: no file {file}")),
            }
        }
        if named == 0 {
            wrong.push(format!("{number} names no test"));
        }
        tests += named;
    }
    assert!(wrong.is_empty(), "docs/requirements.md:\n{}", wrong.join("\n"));
    assert!(rows > 10 && tests > rows, "{rows} rows with {tests} tests were found");
}

fn is_row(cell: &&str) -> bool {
    cell.strip_prefix('K').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_requirement_is_told_from_what_looks_like_one() {
    for good in ["K1.5", "K3.3-i", "K5.4a", "K6.6-iv", "K5.10"] {
        assert!(is_requirement(good), "{good}");
    }
    for bad in ["K8.1", "K0.1", "K1", "K1.", "K1.05", "K5.4e", "K5.4-v", "5.4", "K5.4 a"] {
        assert!(!is_requirement(bad), "{bad}");
    }
}

#[test]
fn a_function_that_is_no_test_is_no_proof() {
    let text = "#[test]\nfn one() {}\n\nfn helper() {}\n\n    #[tokio::test(flavor = \"x\")]\n    async fn two() {}\n";
    assert!(has_test(text, "one") && has_test(text, "two"));
    let suite = "suite! {\n    three\n    four\n}\nasync fn three(token: Token) {}\n";
    assert!(has_test(suite, "four") && !has_test(suite, "five"));
    assert!(!has_test(text, "helper") && !has_test(text, "on") && !has_test(text, "three"));
}

#[test]
fn the_handbook_tells_every_metric_and_no_other() {
    let root = super::workspace();
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let names = |text: &str| -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        text.split(|c: char| !is_part(c))
            .filter(|word| word.starts_with("mbx_") && !word.starts_with("mbx_common"))
            .map(|word| word.strip_suffix("_total").unwrap_or(word).to_owned())
            .collect()
    };
    let sources = ["telemetry/metrics.rs", "health/gauges.rs", "health/token.rs"]
        .map(|name| format!("mbxd/src/{name}"))
        .map(|name| read(&name).split("#[cfg(test)]").next().unwrap_or_default().to_owned());
    let told = names(&read("docs/handbook/operate.md"));
    assert_eq!(told, names(&sources.concat()));
}
