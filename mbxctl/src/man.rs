//! The manual page mbxctl(1), from the clap tree: one source for help and page.

use crate::cli::{self, catalogue};
use clap::{Arg, Command};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// The page, in man(7).
pub fn page() -> String {
    let mut command = cli::command();
    command.build();
    let mut page = Roff::new();
    page.control("TH", ["MBXCTL", "1", DATE, env!("CARGO_PKG_VERSION"), "mbx"]);
    page.control("SH", ["NAME"]);
    page.text([roman("mbxctl - administer mbxd, the mailbox operator's daemon")]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([
        bold("mbxctl"),
        roman(" ["),
        italic("global options"),
        roman("] ["),
        italic("command"),
        roman("]"),
    ]);
    page.control("SH", ["DESCRIPTION"]);
    for (place, paragraph) in DESCRIPTION.iter().enumerate() {
        if place > 0 {
            page.control("PP", []);
        }
        page.text([roman(*paragraph)]);
    }
    page.control("SH", ["COMMANDS"]);
    for entry in catalogue::ENTRIES {
        if let Some(leaf) = find(&command, entry.path) {
            describe(&mut page, leaf, entry);
        }
    }
    page.control("SH", ["GLOBAL OPTIONS"]);
    page.text([roman("Every command takes these, before or after its verb.")]);
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        option(&mut page, argument);
    }
    closing(&mut page);
    page.to_roff()
}

/// When the words of the page were last looked at.
const DATE: &str = "2026-11-24";

const DESCRIPTION: &[&str] = &[
    "mbxctl asks mbxd over its control socket and shows what it answers. Without a command it shows \
     how the daemon is, in five lines. Results go to standard output, everything else to standard \
     error; piping changes colour, bars and cutting only.",
    "Whoever uses it logs in as a named person. What a person may do follows from the roles: \
     observer, registrar, system operator, security officer, auditor. Every act, done or refused, \
     is an entry of the audit log.",
    "National numbers are shown with their last four digits hidden. Where a command takes a number, \
     - asks for it, so that it stands neither in the shell's history nor in sudo's log.",
];

fn find<'a>(command: &'a Command, path: &str) -> Option<&'a Command> {
    path.split(' ').try_fold(command, |at, word| at.find_subcommand(word))
}

fn describe(page: &mut Roff, leaf: &Command, entry: &catalogue::Entry) {
    page.control("SS", [format!("mbxctl {}", entry.path).as_str()]);
    let about = leaf.get_about().map(ToString::to_string).unwrap_or_default();
    page.text([roman(format!("{about}."))]);
    page.control("PP", []);
    page.text([roman(format!("Role: {}. Class: {}.", entry.who.text(), entry.class.name()))]);
    let own = |argument: &&Arg| !argument.is_global_set() && argument.get_id() != "help";
    for argument in leaf.get_arguments().filter(own) {
        option(page, argument);
    }
    for (line, purpose) in entry.examples {
        page.control("TP", []);
        page.text([bold(format!("mbxctl {line}"))]);
        page.text([roman(purpose)]);
    }
}

fn option(page: &mut Roff, argument: &Arg) {
    page.control("TP", []);
    let mut head: Vec<Inline> = Vec::new();
    if let Some(short) = argument.get_short() {
        head.extend([bold(format!("-{short}")), roman(", ")]);
    }
    let takes = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match argument.get_long() {
        Some(long) => {
            head.push(bold(format!("--{long}")));
            if takes {
                head.extend([roman(" "), italic(value)]);
            }
        }
        None => head.push(italic(value)),
    }
    page.text(head);
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    page.text([roman(format!("{help}."))]);
}

fn closing(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in cli::EXIT_CODES {
        page.control("TP", []);
        page.text([bold(code.to_string())]);
        page.text([roman(*meaning)]);
    }
    let sections: [(&str, &[(&str, &str)]); 2] = [
        (
            "ENVIRONMENT",
            &[
                ("MBXCTL_SOCKET", "The daemon's control socket."),
                ("MBXCTL_OUTPUT", "Form of the result."),
                ("MBXCTL_COLOR", "When to use colour."),
                ("MBXCTL_NO_INPUT", "Never ask."),
                ("NO_COLOR", "No colour, where it is not empty."),
                ("XDG_RUNTIME_DIR", "Where the session is kept; else ~/.local/state."),
            ],
        ),
        (
            "FILES",
            &[
                (
                    "/etc/mbx/mbxctl.toml",
                    "The machine's settings, table [cli]: socket, output, color, no_input, timeout, utc, numbers_in_arguments.",
                ),
                (
                    "~/.config/mbxctl/config.toml",
                    "The person's settings; they win over the machine's.",
                ),
                ("/run/mbxd/control.sock", "The control socket."),
            ],
        ),
    ];
    for (title, rows) in sections {
        page.control("SH", [title]);
        for (name, meaning) in rows {
            page.control("TP", []);
            page.text([bold(*name)]);
            page.text([roman(*meaning)]);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("mbxd"), roman("(8), "), bold("mbxd.toml"), roman("(5)")]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_MAN=1` the page is written instead of compared.
    #[test]
    fn the_page_in_the_tree_is_the_one_of_the_clap_tree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../man/mbxctl.1");
        if std::env::var_os("UPDATE_MAN").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == page(),
            "man/mbxctl.1 is not up to date: UPDATE_MAN=1 cargo test -p mbxctl"
        );
    }

    #[test]
    fn every_command_and_exit_code_is_on_the_page() {
        let page = page();
        for entry in catalogue::ENTRIES {
            assert!(page.contains(&format!("mbxctl {}", entry.path)), "{}", entry.path);
        }
        for (code, _) in cli::EXIT_CODES {
            assert!(page.contains(&format!("\\fB{code}\\fR")), "{code}");
        }
    }
}
