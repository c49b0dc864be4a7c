//! The policy of `deny.toml` on every dependency, without further tools.

use super::workspace;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Named>,
    skip: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Package {
    name: String,
    version: String,
    licence: String,
}

fn policy() -> Policy {
    let text = std::fs::read_to_string(workspace().join("deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Every crate that is built for Linux, tests and build scripts included.
fn packages() -> BTreeSet<Package> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}|{l}"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let packages: BTreeSet<Package> = text
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(package, licence)| {
            let mut words = package.split(' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            // Marked so where a package stands beneath itself: tests of the daemon use the harness,
            // and the harness's own tests use the daemon.
            let licence = licence.trim_end_matches(" (*)").to_owned();
            Package { name: word(), version: word(), licence }
        })
        .collect();
    assert!(packages.len() > 100, "cargo tree was not understood");
    packages
}

#[test]
fn every_licence_is_allowed_and_every_source_is_the_default_registry() {
    let allowed: BTreeSet<String> = policy().licenses.allow.into_iter().collect();
    for package in packages() {
        let Package { name, licence, .. } = package;
        assert!(is_allowed(&licence, &allowed), "{name} has the licence {licence:?}");
    }
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        assert!(line.starts_with("source = \"registry+"), "{line}");
    }
}

#[test]
fn no_banned_crate_and_no_second_version_but_the_named_ones() {
    let policy = policy();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        assert!(
            !policy.bans.deny.iter().any(|banned| banned.name == package.name),
            "{} is banned",
            package.name
        );
        versions.entry(package.name).or_default().insert(package.version);
    }
    let doubled: BTreeSet<String> =
        versions.into_iter().filter(|(_, found)| found.len() > 1).map(|(name, _)| name).collect();
    let named: BTreeSet<String> = policy.bans.skip.into_iter().map(|skip| skip.name).collect();
    let unnamed: Vec<&String> = doubled.difference(&named).collect();
    assert!(unnamed.is_empty(), "in two versions, and not in `skip` of deny.toml: {unnamed:?}");
}

/// Whether an SPDX expression can be met by allowed licences alone.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    alternatives(&mut rest, allowed) && rest.is_empty()
}

fn alternatives(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = conjunction(rest, allowed);
    while let Some(("OR", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met |= conjunction(rest, allowed);
    }
    met
}

fn conjunction(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = term(rest, allowed);
    while let Some(("AND", after)) = rest.split_first().map(|(word, after)| (*word, after)) {
        *rest = after;
        met &= term(rest, allowed);
    }
    met
}

fn term(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let Some((word, after)) = rest.split_first() else { return false };
    *rest = after;
    if *word == "(" {
        let met = alternatives(rest, allowed);
        let Some((_, after)) = rest.split_first() else { return false };
        *rest = after;
        return met;
    }
    let mut name = (*word).to_owned();
    if let [with, exception, after @ ..] = *rest
        && *with == "WITH"
    {
        name = format!("{name} WITH {exception}");
        *rest = after;
    }
    allowed.contains(&name)
}

#[test]
fn licence_expressions_are_judged_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "ISC"].into_iter().map(str::to_owned).collect();
    assert!(is_allowed("MIT OR GPL-3.0", &allowed));
    assert!(is_allowed("GPL-3.0/MIT", &allowed));
    assert!(is_allowed("(GPL-3.0 OR MIT) AND ISC", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0", &allowed));
    assert!(!is_allowed("GPL-3.0 WITH exception", &allowed));
    assert!(!is_allowed("", &allowed));
}
