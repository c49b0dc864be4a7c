//! Changes the code of a room in one place after another, and tells which changes no test notices.
//!
//! The mutants are those of cargo-mutants, whose list is read, and the checks that its list leaves
//! out. A build for each would take days: all are woven into one, and each is chosen by its number
//! when the tests run. `docs/mutation.md` says what the figures mean.
#![expect(clippy::print_stdout, reason = "a tool for people")]
#![expect(clippy::wildcard_enum_match_arm, reason = "of the many forms of syntax few matter")]

mod list;
mod mutant;
mod room;
mod site;
mod tree;
mod trial;
mod weave;

use crate::mutant::Mutant;
use crate::room::{ROOMS, Room};
use crate::tree::{State, Tree};
use crate::trial::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const HELP: &str = "\
Usage: scripts/mutants [--again] [--alone] [--list] [ROOM…]

  --again  only those that survived the last time
  --alone  build those alone that cannot be woven in: minutes for each
  --list   name the mutants, try none";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("mutants: {error}");
            ExitCode::from(2)
        }
    }
}

const PANIC: &str = "a worker panicked";

struct Options {
    again: bool,
    alone: bool,
    list: bool,
    rooms: Vec<&'static Room>,
}

impl Options {
    fn read(arguments: Vec<String>) -> Result<Self, String> {
        let mut options = Self { again: false, alone: false, list: false, rooms: Vec::new() };
        for argument in arguments {
            match argument.as_str() {
                "--again" => options.again = true,
                "--alone" => options.alone = true,
                "--list" => options.list = true,
                name => options.rooms.push(room::named(name).ok_or(HELP)?),
            }
        }
        if options.rooms.is_empty() {
            options.rooms = ROOMS.iter().collect();
        }
        Ok(options)
    }
}

/// Whether every room's tests notice what they should.
fn run(arguments: Vec<String>) -> Result<bool, Box<dyn Error>> {
    let options = Options::read(arguments)?;
    let original = std::env::current_dir()?;
    let mutants = list::mutants(&original, &options.rooms)?;
    if options.list {
        for mutant in &mutants {
            println!("{}\t{}:{}: {}", mutant.room, mutant.file, mutant.line, mutant.what);
        }
        return Ok(true);
    }
    let tree = Tree::copy(&original, &mutants)?;
    println!("{} mutants; weaving them in", mutants.len());
    let states = tree.weave(&mutants)?;
    let programs = tree.build()?;
    let mut session = Session { original, tree, programs, time_max: BTreeMap::new() };
    let known = std::fs::read_to_string("docs/mutation.md").unwrap_or_default();
    let mut fine = true;
    for room in &options.rooms {
        let here: Vec<&Mutant> = mutants.iter().filter(|one| one.room == room.name).collect();
        let outcome = session.room(room, &here, &states, &options)?;
        fine &= outcome.print(room, &known);
    }
    Ok(fine)
}

struct Session {
    original: PathBuf,
    tree: Tree,
    programs: BTreeMap<String, PathBuf>,
    /// How long the tests of a room may take.
    time_max: BTreeMap<&'static str, Duration>,
}

#[derive(Default)]
struct Outcome {
    caught: usize,
    unviable: usize,
    survived: Vec<String>,
    untried: Vec<String>,
}

impl Session {
    fn room(
        &mut self,
        room: &'static Room,
        mutants: &[&Mutant],
        states: &BTreeMap<u32, State>,
        options: &Options,
    ) -> Result<Outcome, Box<dyn Error>> {
        let begun = Instant::now();
        if self.trial(room, 0, Duration::from_mins(10))? != Verdict::Survived {
            return Err(format!("the tests of {} fail without any mutant", room.name).into());
        }
        let took = begun.elapsed();
        println!("{}: the tests take {:.1} s", room.name, took.as_secs_f32());
        self.time_max.insert(room.name, took * 5 + Duration::from_secs(20));
        let survivors = self.original.join(format!("target/mutants/{}.txt", room.name));
        let last = std::fs::read_to_string(&survivors).unwrap_or_default();
        let last: BTreeSet<&str> = last.lines().collect();
        let chosen = |mutant: &&Mutant| !options.again || last.contains(mutant.name().as_str());
        let mut outcome = Outcome::default();
        let mut woven = Vec::new();
        for mutant in mutants.iter().copied().filter(chosen) {
            match states.get(&mutant.id).copied().unwrap_or(State::Unviable) {
                State::Unviable => outcome.unviable += 1,
                State::Alone if !options.alone => outcome.untried.push(located(mutant)),
                State::Alone => self.alone(room, mutant, &mut outcome)?,
                State::Woven => woven.push(mutant),
            }
        }
        for (mutant, verdict) in self.trials(room, &woven)? {
            outcome.take(mutant, verdict);
        }
        let names: Vec<_> = outcome.survived.iter().map(|one| name_of(one)).collect();
        std::fs::write(survivors, names.join("\n"))?;
        Ok(outcome)
    }

    /// Tries each mutant, as many at a time as there are processors.
    fn trials<'m>(
        &self,
        room: &Room,
        mutants: &[&'m Mutant],
    ) -> Result<Vec<(&'m Mutant, Verdict)>, Box<dyn Error>> {
        let waiting = Mutex::new(mutants.iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next().copied();
        let work = || {
            let mut verdicts = Vec::new();
            while let Some(mutant) = next() {
                let verdict = self.trial(room, mutant.id, self.limit(room));
                let verdict = verdict.map_err(|error| error.to_string())?;
                if verdict == Verdict::Survived {
                    println!("survived: {}", located(mutant));
                }
                verdicts.push((mutant, verdict));
            }
            Ok::<_, String>(verdicts)
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let mut verdicts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let ended =
                workers.into_iter().map(|worker| worker.join().unwrap_or(Err(PANIC.into())));
            ended.collect::<Result<Vec<_>, String>>()
        })?
        .concat();
        verdicts.sort_by_key(|(mutant, _)| mutant.id);
        Ok(verdicts)
    }

    /// A mutant in a build of its own.
    fn alone(
        &self,
        room: &'static Room,
        mutant: &Mutant,
        outcome: &mut Outcome,
    ) -> Result<(), Box<dyn Error>> {
        if self.tree.plant(mutant)? {
            self.tree.build()?;
            outcome.take(mutant, self.trial(room, 0, self.limit(room))?);
        } else {
            outcome.unviable += 1;
        }
        self.tree.restore(&mutant.file)
    }

    fn limit(&self, room: &Room) -> Duration {
        self.time_max.get(room.name).copied().unwrap_or(Duration::from_mins(10))
    }

    /// Runs all tests of a room until one fails.
    fn trial(&self, room: &Room, id: u32, time_max: Duration) -> Result<Verdict, Box<dyn Error>> {
        for (package, tests) in room.tests {
            let program = self.programs.get(*package).ok_or("a package has no tests")?;
            let folder = self.tree.root.join(package.strip_prefix("mbx-").unwrap_or(package));
            let verdict = trial::run(program, &folder, tests, id, time_max)?;
            if verdict != Verdict::Survived {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Survived)
    }
}

impl Outcome {
    fn take(&mut self, mutant: &Mutant, verdict: Verdict) {
        match verdict {
            Verdict::Caught | Verdict::TimedOut => self.caught += 1,
            Verdict::Survived => self.survived.push(located(mutant)),
        }
    }

    /// Prints the figures; says whether every survivor is known.
    fn print(&self, room: &Room, known: &str) -> bool {
        let tried = self.caught + self.survived.len();
        let percent = (self.caught * 1000).checked_div(tried).unwrap_or(1000);
        println!(
            "{}: {} mutants, {} caught ({}.{} %), {} survived, {} unviable, {} not tried",
            room.name,
            tried + self.unviable + self.untried.len(),
            self.caught,
            percent / 10,
            percent % 10,
            self.survived.len(),
            self.unviable,
            self.untried.len(),
        );
        let new = self.survived.iter().filter(|one| !known.contains(&name_of(one)));
        let new: Vec<_> = new.collect();
        for one in &self.untried {
            println!("  not tried: {one}");
        }
        for one in &new {
            println!("  survived, and not in docs/mutation.md: {one}");
        }
        new.is_empty()
    }
}

/// File, line and change.
fn located(mutant: &Mutant) -> String {
    format!("{}:{}: {}", mutant.file, mutant.line, mutant.what)
}

/// The same without the line.
fn name_of(located: &str) -> String {
    let mut parts = located.splitn(3, ':');
    let file = parts.next().unwrap_or_default();
    format!("{file}:{}", parts.nth(1).unwrap_or_default())
}
