//! Decorates the clap tree: examples first, then usage; role and class; exit codes at the root.

use super::Cli;
use super::catalogue::{self, Entry};
use clap::CommandFactory as _;

const LEAF: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const ROOT: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

const FIRST_STEPS: &str = "\
Examples:
  mbxctl                         how the daemon is, in five lines
  mbxctl login --as anna         log in
  mbxctl user register -         register a holder
  mbxctl delivery list           what authorities sent
  mbxctl explain MBX-2041        what a code means
";

/// Exit codes, as help, manual page and tests have them.
pub(crate) const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done, all well"),
    (1, "checked, and something is wrong"),
    (2, "works, needs attention"),
    (3, "partly done: see the rows"),
    (4, "waiting for a second person; nothing changed"),
    (5, "conflict: exists already, or the state no longer fits"),
    (64, "wrong usage"),
    (65, "damaged or invalid input, store or log"),
    (66, "input file missing"),
    (67, "no such mailbox, delivery, sender, job …"),
    (69, "unavailable: daemon, HSM, store"),
    (70, "a defect of mbx; a request id is printed"),
    (73, "cannot write the output"),
    (75, "try again later: limit, busy"),
    (76, "versions of mbxctl and mbxd do not match"),
    (77, "not logged in or not allowed"),
    (78, "configuration error"),
    (130, "stopped following; the job goes on"),
];

/// The whole tree with its examples, roles, classes and exit codes.
pub fn command() -> clap::Command {
    let root = Cli::command().help_template(ROOT).before_help(FIRST_STEPS).after_long_help(codes());
    decorate(root, "")
}

fn decorate(command: clap::Command, path: &str) -> clap::Command {
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        let sub_path = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        command.mut_subcommand(name, |sub| {
            let sub = decorate(sub, &sub_path);
            match catalogue::find(&sub_path) {
                Some(entry) => sub.help_template(LEAF).before_help(before(entry)),
                None => sub
                    .help_template(LEAF)
                    .subcommand_required(true)
                    .arg_required_else_help(true)
                    .disable_help_subcommand(true)
                    .subcommand_value_name("COMMAND"),
            }
        })
    })
}

fn before(entry: &Entry) -> String {
    let examples: Vec<String> = entry
        .examples
        .iter()
        .map(|(line, purpose)| format!("  mbxctl {line}\n      {purpose}\n"))
        .collect();
    format!(
        "Examples:\n{}\nRole:  {}\nClass: {}\n",
        examples.concat(),
        entry.who.text(),
        entry.class.name()
    )
}

fn codes() -> String {
    let rows: Vec<String> =
        EXIT_CODES.iter().map(|(code, meaning)| format!("  {code:>3}  {meaning}\n")).collect();
    format!(
        "Exit codes:\n{}\nFiles: ~/.config/mbxctl/config.toml, /etc/mbx/mbxctl.toml",
        rows.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn leaves(command: &clap::Command, path: &str, into: &mut BTreeSet<String>) {
        let mut any = false;
        for sub in command.get_subcommands() {
            any = true;
            let sub_path = format!("{path} {}", sub.get_name());
            leaves(sub, sub_path.trim_start(), into);
        }
        if !any {
            into.insert(path.trim_start().to_owned());
        }
    }

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_a_role_and_a_class_and_none_is_left_over() {
        let mut tree = BTreeSet::new();
        leaves(&command(), "", &mut tree);
        let listed: BTreeSet<String> =
            catalogue::ENTRIES.iter().map(|entry| entry.path.to_owned()).collect();
        assert_eq!(tree, listed);
    }

    #[test]
    fn every_example_parses_as_the_command_it_belongs_to() {
        for entry in catalogue::ENTRIES {
            for (line, _) in entry.examples {
                let words = split(&format!("mbxctl {line}"));
                if entry.path == "help" {
                    continue;
                }
                let matches = command().try_get_matches_from(&words);
                assert!(matches.is_ok(), "{line}: {}", matches.unwrap_err());
                assert!(line.starts_with(entry.path), "{line}");
            }
        }
    }

    /// Splits a line as a shell does, as far as double quotes go.
    fn split(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (index, piece) in line.split('"').enumerate() {
            if index % 2 == 1 {
                words.push(piece.to_owned());
            } else {
                words.extend(piece.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[test]
    fn every_exit_code_of_a_kind_is_listed() {
        for kind in mbx_common::error::Kind::ALL {
            assert!(EXIT_CODES.iter().any(|(code, _)| *code == kind.exit_code()), "{kind:?}");
        }
    }
}
