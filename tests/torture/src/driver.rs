//! Runs the programmes round after round and tells what they found.

use crate::programme::{Programme, Run};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Exit code of a command line that names no programme.
const USAGE: u8 = 2;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// A time for all programmes, parted evenly; every programme runs one round at least.
    Time(Duration),
    /// Rounds of each programme.
    Rounds(u64),
}

/// From which seed on, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    /// Seed of each programme's first round.
    pub seed: u64,
    /// How much is done.
    pub length: Length,
}

/// The programmes of these names, in their own order; all of them where none is named.
///
/// # Errors
/// A sentence that names what is not known.
pub fn choose(all: &[Programme], names: &[String]) -> Result<Vec<Programme>, String> {
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|one| one.name == **name)) {
        let known: Vec<&str> = all.iter().map(|one| one.name).collect();
        return Err(format!("There is no programme {unknown:?}. Known: {}.", known.join(", ")));
    }
    let chosen = |one: &&Programme| names.is_empty() || names.iter().any(|name| name == one.name);
    Ok(all.iter().filter(chosen).copied().collect())
}

/// Tells what was wrong with the command line.
#[expect(clippy::print_stderr, reason = "the one sentence of a command line that cannot be run")]
pub fn complain(sentence: &str) -> ExitCode {
    eprintln!("torture: {sentence}");
    ExitCode::from(USAGE)
}

/// Names the programmes.
pub fn list(programmes: &[Programme]) -> ExitCode {
    let mut out = io::stdout().lock();
    let told = programmes.iter().try_for_each(|one| writeln!(out, "{:<12} {}", one.name, one.what));
    told.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

impl Driver {
    /// Runs the programmes one after the other: a line for each finding, a line for each programme.
    /// The exit code is 1 where anything was found or could not be told.
    pub fn run(&self, programmes: &[Programme], out: &mut impl Write) -> ExitCode {
        let mut found = 0;
        for (index, programme) in programmes.iter().enumerate() {
            let part = self.part(programmes.len().saturating_sub(index));
            let told = self.one(programme, part, out).and_then(|count| {
                found += count;
                out.flush()
            });
            if told.is_err() {
                return ExitCode::FAILURE;
            }
        }
        if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// The time of one programme.
    fn part(&self, left: usize) -> Duration {
        match self.length {
            Length::Time(all) => all / u32::try_from(left.max(1)).unwrap_or(u32::MAX),
            Length::Rounds(_) => Duration::MAX,
        }
    }

    fn one(
        &self,
        programme: &Programme,
        part: Duration,
        out: &mut impl Write,
    ) -> io::Result<usize> {
        let begun = Instant::now();
        let until = begun.checked_add(part).unwrap_or_else(|| begun + FAR);
        let (mut rounds, mut found, mut done) = (0_u64, 0, BTreeMap::new());
        loop {
            let seed = self.seed.wrapping_add(rounds);
            let (findings, counts) = round(programme, Run::new(seed, until));
            rounds += 1;
            for finding in &findings {
                let again = format!("--only {} --seed {seed} --rounds 1", programme.name);
                writeln!(out, "{}: {finding} (again: {again})", programme.name)?;
            }
            found += findings.len();
            for (unit, count) in counts {
                *done.entry(unit).or_insert(0_u64) += count;
            }
            let enough = match self.length {
                Length::Rounds(wanted) => rounds >= wanted,
                Length::Time(_) => Instant::now() >= until,
            };
            if enough {
                break;
            }
        }
        let done: Vec<String> =
            done.iter().map(|(unit, count)| format!("{count} {unit}")).collect();
        let (name, first, seconds) = (programme.name, self.seed, begun.elapsed().as_secs());
        let last = first.wrapping_add(rounds - 1);
        writeln!(
            out,
            "{name}: seeds {first}–{last}, {seconds} s, {}: {found} findings",
            done.join(", ")
        )?;
        Ok(found)
    }
}

/// Longer than anybody waits: the end of a round that has no time of its own.
const FAR: Duration = Duration::from_hours(24 * 365);

/// One round; a panic is one finding more.
fn round(programme: &Programme, mut run: Run) -> (Vec<String>, BTreeMap<&'static str, u64>) {
    let ended = catch_unwind(AssertUnwindSafe(|| (programme.run)(&mut run)));
    if let Err(panic) = ended {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
        run.finding(format_args!("panicked: {said}"));
    }
    run.into_parts()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    const QUIET: Programme =
        Programme { name: "quiet", what: "finds nothing", run: |run| run.done(2, "cases") };
    const ODD: Programme = Programme {
        name: "odd",
        what: "finds odd seeds",
        run: |run| {
            if run.seed() % 2 == 1 {
                run.finding("an odd\nseed");
            }
        },
    };
    const BROKEN: Programme =
        Programme { name: "broken", what: "panics", run: |_| panic!("out of its mind") };

    fn told(seed: u64, length: Length, programmes: &[Programme]) -> (ExitCode, String) {
        let mut out = Vec::new();
        let code = Driver { seed, length }.run(programmes, &mut out);
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn rounds_take_the_next_seed_each_and_sum_what_they_did() {
        let (code, text) = told(5, Length::Rounds(3), &[QUIET]);
        assert_eq!(code, ExitCode::SUCCESS);
        assert_eq!(text, "quiet: seeds 5–7, 0 s, 6 cases: 0 findings\n");
    }

    #[test]
    fn a_finding_is_one_line_with_the_command_that_repeats_it_and_exit_code_one() {
        let (code, text) = told(6, Length::Rounds(2), &[QUIET, ODD]);
        assert_eq!(code, ExitCode::FAILURE);
        assert!(
            text.contains("odd: an odd seed (again: --only odd --seed 7 --rounds 1)\n"),
            "{text}"
        );
        assert!(text.contains("odd: seeds 6–7, 0 s, : 1 findings\n"), "{text}");
    }

    #[test]
    fn a_panic_is_a_finding_and_the_other_programmes_run() {
        let (code, text) = told(1, Length::Rounds(1), &[BROKEN, QUIET]);
        assert_eq!(code, ExitCode::FAILURE);
        assert!(text.starts_with("broken: panicked: out of its mind (again: "), "{text}");
        assert!(text.contains("quiet: seeds 1–1"), "{text}");
    }

    #[test]
    fn without_time_every_programme_runs_one_round() {
        let (_, text) = told(1, Length::Time(Duration::ZERO), &[QUIET, ODD]);
        assert!(text.contains("quiet: seeds 1–1") && text.contains("odd: seeds 1–1"), "{text}");
    }

    #[test]
    fn programmes_are_chosen_by_name_and_an_unknown_name_is_told() {
        let all = [QUIET, ODD];
        assert_eq!(choose(&all, &[]).unwrap().len(), 2);
        assert_eq!(choose(&all, &["odd".to_owned()]).unwrap()[0].name, "odd");
        let told = choose(&all, &["even".to_owned()]).unwrap_err();
        assert_eq!(told, "There is no programme \"even\". Known: quiet, odd.");
    }

    #[test]
    fn random_numbers_follow_from_seed_and_part_alone() {
        let now = Instant::now();
        let number = |seed: u64, part: &str| Run::new(seed, now).rng(part).next_u64();
        assert_eq!(number(1, "kills"), number(1, "kills"));
        assert_ne!(number(1, "kills"), number(2, "kills"));
        assert_ne!(number(1, "kills"), number(1, "loads"));
    }
}
