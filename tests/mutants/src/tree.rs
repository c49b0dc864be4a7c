//! A copy of the workspace that mutants are woven into and that is built there.

use crate::mutant::{Change, Mutant};
use crate::site::{self, Kind, Site};
use crate::weave::{self, Woven};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The copy.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Where the workspace is.
    original: PathBuf,
    /// Where its copy is.
    pub(crate) root: PathBuf,
}

/// What becomes of a mutant before any test runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It is in the build, and chosen by its number.
    Woven,
    /// It is valid in the plain way at most: it has to be built alone.
    Alone,
    /// It does not compile.
    Unviable,
}

impl Tree {
    /// Copies the workspace below its target folder, without the files that are woven.
    pub(crate) fn copy(original: &Path, mutants: &[Mutant]) -> Result<Self, Box<dyn Error>> {
        let mut woven: BTreeSet<&str> = mutants.iter().map(|one| one.file.as_str()).collect();
        woven.extend(LIBRARIES);
        let root = original.join("target/mutants/tree");
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(original)
            .output()?;
        let tree = Self { original: original.to_owned(), root };
        for name in
            String::from_utf8(listed.stdout)?.split('\0').filter(|name| !woven.contains(name))
        {
            let from = original.join(name);
            if from.is_file() {
                tree.write(name, &std::fs::read(from)?)?;
            }
        }
        Ok(tree)
    }

    /// Writes a file where it differs, so that cargo builds again only what changed.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
        let to = self.root.join(name);
        if std::fs::read(&to).is_ok_and(|there| there == content) {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(to, content)?)
    }

    /// Weaves in all that compile; tells what became of each.
    pub(crate) fn weave(&self, mutants: &[Mutant]) -> Result<BTreeMap<u32, State>, Box<dyn Error>> {
        for library in LIBRARIES {
            let text = std::fs::read_to_string(self.original.join(library))?;
            let lints = "#![allow(arithmetic_overflow, unconditional_panic, unused)]\n";
            self.write(library, format!("{lints}{text}{}", weave::CHOICE).as_bytes())?;
        }
        let mut states: BTreeMap<u32, State> = mutants
            .iter()
            .map(|mutant| {
                (
                    mutant.id,
                    if mutant.constant || mutant.change == Change::Field {
                        State::Alone
                    } else {
                        State::Woven
                    },
                )
            })
            .collect();
        let sources = self.sources(mutants)?;
        self.remember(mutants, &sources, &mut states);
        for round in 1.. {
            let mut woven = BTreeMap::new();
            for (file, (text, sites)) in &sources {
                let here = mutants.iter().filter(|mutant| &mutant.file == file);
                let here: Vec<&Mutant> =
                    here.filter(|mutant| states.get(&mutant.id) == Some(&State::Woven)).collect();
                let text = weave::weave(text, sites, &here);
                self.write(file, text.text.as_bytes())?;
                woven.insert(file.as_str(), text);
            }
            let begun = Instant::now();
            let complaints = self.check()?;
            println!("checked in {} s", begun.elapsed().as_secs());
            if complaints.is_empty() {
                self.keep(mutants, &sources, &states)?;
                return Ok(states);
            }
            let before = states.clone();
            for complaint in &complaints {
                complaint.judge(&woven, &sources, mutants, &mut states);
            }
            let changed = states.iter().filter(|(id, state)| before.get(id) != Some(state)).count();
            println!("round {round}: {} complaints, {changed} mutants out", complaints.len());
            if changed == 0 {
                let texts: Vec<_> = complaints.into_iter().map(|one| one.rendered).collect();
                return Err(texts.concat().into());
            }
        }
        Ok(states)
    }

    /// Takes over what an earlier run found out about files that are still the same.
    fn remember(&self, mutants: &[Mutant], sources: &Sources, states: &mut BTreeMap<u32, State>) {
        let kept = std::fs::read_to_string(self.original.join(KEPT)).unwrap_or_default();
        let kept: BTreeMap<&str, &str> =
            kept.lines().filter_map(|line| line.rsplit_once('\t')).collect();
        for mutant in mutants {
            match kept.get(key(mutant, sources).as_str()) {
                Some(&"Alone") => states.insert(mutant.id, State::Alone),
                Some(&"Unviable") => states.insert(mutant.id, State::Unviable),
                _ => None,
            };
        }
    }

    fn keep(
        &self,
        mutants: &[Mutant],
        sources: &Sources,
        states: &BTreeMap<u32, State>,
    ) -> Result<(), Box<dyn Error>> {
        let lines = mutants.iter().filter_map(|mutant| {
            let state = states.get(&mutant.id).filter(|state| **state != State::Woven)?;
            Some(format!("{}\t{state:?}\n", key(mutant, sources)))
        });
        let lines: String = lines.collect();
        Ok(std::fs::write(self.original.join(KEPT), lines)?)
    }

    /// The text of every file with mutants, and its sites.
    fn sources(&self, mutants: &[Mutant]) -> Result<Sources, Box<dyn Error>> {
        let mut sources = Sources::new();
        for file in mutants.iter().map(|mutant| &mutant.file).collect::<BTreeSet<_>>() {
            let text = std::fs::read_to_string(self.original.join(file))?;
            let sites = site::sites(&text)?;
            sources.insert(file.clone(), (text, sites));
        }
        Ok(sources)
    }

    /// Writes a file with one mutant in the plain way, and the others' files as they are.
    pub(crate) fn plant(&self, mutant: &Mutant) -> Result<bool, Box<dyn Error>> {
        let text = std::fs::read_to_string(self.original.join(&mutant.file))?;
        self.write(&mutant.file, weave::plainly(&text, mutant).as_bytes())?;
        Ok(self.check()?.is_empty())
    }

    /// Puts a file back as it is in the workspace.
    pub(crate) fn restore(&self, file: &str) -> Result<(), Box<dyn Error>> {
        self.write(file, &std::fs::read(self.original.join(file))?)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<Vec<Message>, Box<dyn Error>> {
        let output = Command::new("cargo")
            .args(arguments)
            .args(["-p", "mbx-common", "-p", "mbxd", "--lib", "--message-format", "json", "-q"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.original.join("target"))
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn check(&self) -> Result<Vec<Complaint>, Box<dyn Error>> {
        let messages = self.cargo(&["check", "--profile", "test", "--keep-going"])?;
        let complaints = messages.into_iter().filter_map(|message| message.complaint);
        Ok(complaints.filter(|one| one.level == "error" && !one.spans.is_empty()).collect())
    }

    /// Builds the tests; gives the program of each package.
    pub(crate) fn build(&self) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
        let messages = self.cargo(&["test", "--no-run"])?;
        let programs = messages.into_iter().filter_map(|message| {
            let name = message.target?.name.replace('_', "-");
            Some((name, message.executable?))
        });
        let programs: BTreeMap<_, _> = programs.collect();
        if programs.len() < 2 { Err("the tests do not build".into()) } else { Ok(programs) }
    }
}

/// The crates that have the choice of the mutant in their root.
const LIBRARIES: [&str; 2] = ["common/src/lib.rs", "mbxd/src/lib.rs"];

/// Which mutants were found not to compile.
const KEPT: &str = "target/mutants/states.txt";

/// Names a mutant of exactly this text.
fn key(mutant: &Mutant, sources: &Sources) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    sources.get(&mutant.file).map(|(text, _)| text).hash(&mut hasher);
    let hash = hasher.finish();
    format!("{}\t{hash:x}\t{}\t{:?}", mutant.file, mutant.place.start, mutant.change)
}

type Sources = BTreeMap<String, (String, Vec<Site>)>;

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "message")]
    complaint: Option<Complaint>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// What the compiler says.
#[derive(Deserialize)]
struct Complaint {
    level: String,
    message: String,
    code: Option<Code>,
    spans: Vec<Place>,
    rendered: String,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Place {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
}

impl Complaint {
    /// Takes out the mutants that it is about.
    fn judge(
        &self,
        woven: &BTreeMap<&str, Woven>,
        sources: &Sources,
        mutants: &[Mutant],
        states: &mut BTreeMap<u32, State>,
    ) {
        if self.code.as_ref().is_some_and(|code| code.code == "E0015") {
            let named = self.message.split('`').nth(1).unwrap_or_default();
            let named = named.rsplit("::").next().unwrap_or_default();
            for mutant in mutants {
                let Some((_, sites)) = sources.get(&mutant.file) else { continue };
                let const_fn = |site: &&Site| {
                    site.const_fn.is_some() && site.function.rsplit("::").next() == Some(named)
                };
                if sites.iter().filter(const_fn).any(|site| weave::belongs(site, mutant)) {
                    states.insert(mutant.id, State::Alone);
                }
            }
            return;
        }
        let mut blamed = self.blamed(woven, true);
        if blamed.is_empty() {
            blamed = self.blamed(woven, false);
        }
        if blamed.is_empty() {
            blamed = self.unassigned(mutants);
        }
        for mutant in mutants.iter().filter(|mutant| blamed.contains(&mutant.id)) {
            states.insert(mutant.id, fate(mutant, sources));
        }
    }

    /// The mutants at the places that it names.
    fn blamed(&self, woven: &BTreeMap<&str, Woven>, primary: bool) -> BTreeSet<u32> {
        let places = self.spans.iter().filter(|place| place.is_primary == primary);
        let blamed = places.filter_map(|place| {
            let woven = woven.get(place.file_name.as_str())?;
            Some(woven.blamed(&(place.byte_start..place.byte_end)))
        });
        blamed.flatten().collect()
    }

    /// The mutants that leave out an assignment to the variable that it is about.
    fn unassigned(&self, mutants: &[Mutant]) -> BTreeSet<u32> {
        let name = self.message.split('`').nth(1).unwrap_or_default().trim_start_matches('*');
        let assignment = format!("leave out {name} = ");
        let here = mutants.iter().filter(|mutant| {
            self.spans.iter().any(|place| place.file_name == mutant.file)
                && mutant.what.starts_with(&assignment)
        });
        here.map(|mutant| mutant.id).collect()
    }
}

/// Whether a mutant that cannot be woven in could still compile alone.
fn fate(mutant: &Mutant, sources: &Sources) -> State {
    let sites = sources.get(&mutant.file).map(|(_, sites)| sites.as_slice()).unwrap_or_default();
    let chained = sites.iter().filter(|site| weave::belongs(site, mutant));
    let chained =
        chained.into_iter().any(|site| matches!(site.kind, Kind::Binary { chain: true, .. }));
    match &mutant.change {
        // A function that gives `impl Trait` gives another type then.
        Change::Body(_) if mutant.what.contains("impl ") => State::Alone,
        Change::Body(_) | Change::Statement => State::Unviable,
        _ if chained => State::Unviable,
        _ => State::Alone,
    }
}
