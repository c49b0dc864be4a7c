//! The mutants: those of cargo-mutants, and the checks that its list leaves out.

use crate::mutant::{Change, Mutant};
use crate::room::Room;
use crate::site::{self, Kind, Site};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

/// Lists the mutants of the rooms, numbered from 1; a file belongs to the first room that has it.
pub(crate) fn mutants(root: &Path, rooms: &[&'static Room]) -> Result<Vec<Mutant>, Box<dyn Error>> {
    let mut rooms_of = BTreeMap::new();
    for room in rooms {
        for file in files(root, room) {
            rooms_of.entry(file).or_insert(room.name);
        }
    }
    let listed = listed(root, rooms_of.keys())?;
    let mut list = Vec::new();
    for (file, room) in rooms_of {
        let text = std::fs::read_to_string(root.join(&file))?;
        let sites = site::sites(&text)?;
        let mut found = Vec::new();
        for listed in listed.iter().filter(|listed| listed.file == file) {
            found.push(listed.read(&text, &sites)?);
        }
        found.extend(sites.iter().flat_map(|site| checks(site, &text)));
        found.sort_by_key(|mutant| mutant.place.start);
        for mutant in &mut found {
            mutant.room = room;
            mutant.file.clone_from(&file);
            mutant.line = lines(text.get(..mutant.place.start).unwrap_or_default());
        }
        list.append(&mut found);
    }
    for (id, mutant) in (1..).zip(&mut list) {
        mutant.id = id;
    }
    Ok(list)
}

/// The files of a room, without its tests.
fn files(root: &Path, of: &Room) -> Vec<String> {
    let of_tests = |path: &Path| {
        path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            matches!(name.as_ref(), "tests" | "tests.rs" | "testing.rs" | "fuzzing.rs")
        })
    };
    let mut files = Vec::new();
    for place in of.places {
        for entry in walkdir::WalkDir::new(root.join(place)).into_iter().flatten() {
            let Ok(path) = entry.path().strip_prefix(root) else { continue };
            if path.extension().is_some_and(|extension| extension == "rs") && !of_tests(path) {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

#[derive(Deserialize)]
struct Listed {
    file: String,
    name: String,
    span: Span,
    replacement: String,
    genre: String,
}

#[derive(Deserialize)]
struct Span {
    start: Point,
    end: Point,
}

#[derive(Deserialize)]
struct Point {
    line: usize,
    column: usize,
}

/// What cargo-mutants finds in the files.
fn listed<'a>(
    root: &Path,
    files: impl Iterator<Item = &'a String>,
) -> Result<Vec<Listed>, Box<dyn Error>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--workspace"]).current_dir(root);
    for file in files {
        command.args(["--file", file]);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Listed {
    fn read(&self, text: &str, sites: &[Site]) -> Result<Mutant, Box<dyn Error>> {
        let place = offset(text, &self.span.start)..offset(text, &self.span.end);
        let change = match self.genre.as_str() {
            "FnValue" => Change::Body(self.replacement.clone()),
            "BinaryOperator" => Change::Operator(self.replacement.trim().to_owned()),
            "StructField" => Change::Field,
            "UnaryOperator" => Change::Unary,
            "MatchArm" => Change::Arm,
            "MatchArmGuard" => Change::Guard(self.replacement == "true"),
            other => return Err(format!("{}: unknown kind of mutant {other}", self.name).into()),
        };
        // After file, line and column.
        let what = self.name.splitn(4, ':').last().unwrap_or_default().trim().to_owned();
        let constant = sites.iter().any(|site| site.constant && site.whole.contains(&place.start));
        Ok(mutant(what, change, place, constant))
    }
}

/// An `if` never or always taken, a statement left out.
fn checks(site: &Site, text: &str) -> Vec<Mutant> {
    let start_of = |place: &Range<usize>| {
        let text = text.get(place.clone()).unwrap_or_default();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(60).collect::<String>()
    };
    let function = &site.function;
    match &site.kind {
        Kind::If { condition, has_let, has_else } => {
            let name =
                |value: bool| format!("take if {} as {value} in {function}", start_of(condition));
            let change = |value| {
                mutant(name(value), Change::Condition(value), condition.clone(), site.constant)
            };
            let mut changes = vec![change(false)];
            if *has_else && !has_let {
                changes.push(change(true));
            }
            changes
        }
        Kind::Statement => {
            let name = format!("leave out {} in {function}", start_of(&site.whole));
            vec![mutant(name, Change::Statement, site.whole.clone(), site.constant)]
        }
        Kind::Binary { .. } | Kind::Unary { .. } | Kind::Body | Kind::Arm { .. } => Vec::new(),
    }
}

fn mutant(what: String, change: Change, place: Range<usize>, constant: bool) -> Mutant {
    Mutant { id: 0, room: "", file: String::new(), line: 0, what, change, place, constant }
}

/// The byte at a line and column, both counted from 1, the column in characters.
fn offset(text: &str, point: &Point) -> usize {
    let before: usize =
        text.split_inclusive('\n').take(point.line.saturating_sub(1)).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let within = line.char_indices().nth(point.column.saturating_sub(1));
    before + within.map_or(line.len(), |(at, _)| at)
}

fn lines(before: &str) -> usize {
    before.matches('\n').count() + 1
}
