//! Holds the commands that the handbook names against the tree.

use super::help::command;
use clap::error::ErrorKind;
use std::path::{Path, PathBuf};

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook");
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Commands on lines of their own in blocks, and between backquotes.
fn commands(page: &str) -> Vec<String> {
    let (mut found, mut in_block) = (Vec::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found.retain(|line| line.starts_with("mbxctl "));
    found
}

/// Splits a line as a shell does, as far as double quotes go.
fn split(line: &str) -> Vec<String> {
    let pieces = line.split('"').enumerate();
    pieces
        .flat_map(|(index, piece)| match index % 2 {
            1 => vec![piece.to_owned()],
            _ => piece.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

#[test]
fn every_command_of_the_handbook_is_one() {
    let mut count = 0;
    for page in pages() {
        for line in commands(&std::fs::read_to_string(&page).unwrap()) {
            count += 1;
            // The text may name a command without what it acts on.
            if let Err(error) = command().try_get_matches_from(split(&line)) {
                let kind = error.kind();
                assert_eq!(kind, ErrorKind::MissingRequiredArgument, "{}: {line}", page.display());
            }
        }
    }
    assert!(count > 30, "{count} commands were found");
}

#[test]
fn a_command_that_there_is_not_would_be_found() {
    for line in ["mbxctl audit exprot", "mbxctl status --loud", "mbxctl sender allow x y"] {
        let error = command().try_get_matches_from(split(line)).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::MissingRequiredArgument, "{line}");
    }
}
