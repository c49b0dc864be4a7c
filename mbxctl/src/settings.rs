//! What holds for this run: flags over environment over the person's file over the machine's.

use crate::cli::{Color, Format, Global, Progress};
use crate::failure::Failure;
use mbx_common::explain;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The socket where nothing else is said.
const SOCKET: &str = "/run/mbxd/control.sock";

/// How long to wait for the daemon where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whether national numbers may stand in arguments.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NumbersInArguments {
    /// They may; a hint tells once where they are kept.
    #[default]
    Allow,
    /// They may not.
    Refuse,
}

/// `mbxctl.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    cli: Section,
}

/// Its one section.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    socket: Option<PathBuf>,
    output: Option<String>,
    color: Option<String>,
    no_input: Option<bool>,
    timeout: Option<String>,
    utc: Option<bool>,
    numbers_in_arguments: Option<NumbersInArguments>,
}

/// What holds for this run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The control socket.
    pub(crate) socket: PathBuf,
    /// Form of the result.
    pub(crate) output: Format,
    /// When to use colour.
    pub(crate) color: Color,
    /// How progress is shown.
    pub(crate) progress: Progress,
    /// Never ask.
    pub(crate) no_input: bool,
    /// How long to wait for an answer.
    pub(crate) timeout: Duration,
    /// Times in UTC.
    pub(crate) utc: bool,
    /// Whether national numbers may stand in arguments.
    pub(crate) numbers_in_arguments: NumbersInArguments,
}

impl Settings {
    /// Puts flags (which hold the environment already) over both files.
    ///
    /// # Errors
    /// `MBX-6004` where a file is not valid.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let machine = section(Path::new("/etc/mbx/mbxctl.toml"))?;
        let person = match config_home() {
            Some(home) => section(&home.join("mbxctl/config.toml"))?,
            None => Section::default(),
        };
        Self::merge(global, person, machine)
    }

    fn merge(global: &Global, person: Section, machine: Section) -> Result<Self, Failure> {
        let output = person.output.or(machine.output);
        let color = person.color.or(machine.color);
        let timeout = person.timeout.or(machine.timeout);
        let timeout = timeout
            .map(|text| {
                crate::cli::value::duration(&text)
                    .map_err(|error| invalid(&format!("cli.timeout: {error}")))
            })
            .transpose()?;
        Ok(Self {
            socket: global
                .socket
                .clone()
                .or(person.socket)
                .or(machine.socket)
                .unwrap_or_else(|| SOCKET.into()),
            output: match global.output {
                Some(format) => format,
                None => word(output, "cli.output")?.unwrap_or(Format::Table),
            },
            color: match global.color {
                Some(color) => color,
                None => word(color, "cli.color")?.unwrap_or(Color::Auto),
            },
            progress: global.progress.unwrap_or(Progress::Auto),
            no_input: global.no_input || person.no_input.or(machine.no_input).unwrap_or(false),
            timeout: global.timeout.or(timeout).unwrap_or(TIMEOUT),
            utc: global.utc || person.utc.or(machine.utc).unwrap_or(false),
            numbers_in_arguments: strictest(
                person.numbers_in_arguments,
                machine.numbers_in_arguments,
            ),
        })
    }
}

/// The machine's refusal holds: a person cannot turn it off.
fn strictest(
    person: Option<NumbersInArguments>,
    machine: Option<NumbersInArguments>,
) -> NumbersInArguments {
    let refuse = [person, machine].contains(&Some(NumbersInArguments::Refuse));
    if refuse { NumbersInArguments::Refuse } else { NumbersInArguments::Allow }
}

fn word<T: clap::ValueEnum>(text: Option<String>, key: &str) -> Result<Option<T>, Failure> {
    text.map(|text| {
        T::from_str(&text, false).map_err(|_| invalid(&format!("{key}: unknown value {text:?}")))
    })
    .transpose()
}

fn invalid(what: &str) -> Failure {
    Failure::here(explain::CLI_CONFIG, format!("mbxctl's configuration is not valid: {what}"))
}

/// One file's section; a file that does not exist says nothing.
fn section(path: &Path) -> Result<Section, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Section::default()),
        Err(error) => return Err(invalid(&format!("{}: {error}", path.display()))),
    };
    let file: File = toml::from_str(&text)
        .map_err(|error| invalid(&format!("{}: {}", path.display(), error.message())))?;
    Ok(file.cli)
}

fn config_home() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    from("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| from("HOME").map(|home| PathBuf::from(home).join(".config")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn global(words: &[&str]) -> Global {
        crate::cli::Cli::parse_from([&["mbxctl"], words].concat()).global
    }

    fn file(text: &str) -> Section {
        toml::from_str::<File>(text).unwrap().cli
    }

    #[test]
    fn flags_win_over_the_persons_file_and_that_over_the_machines() {
        let machine = file("[cli]\nsocket = \"/m\"\ntimeout = \"5s\"\noutput = \"csv\"");
        let person = file("[cli]\nsocket = \"/p\"");
        let settings =
            Settings::merge(&global(&["--socket", "/f"]), person.clone(), machine.clone());
        assert_eq!(settings.unwrap().socket, Path::new("/f"));
        let settings = Settings::merge(&global(&["-o", "json"]), person, machine).unwrap();
        assert_eq!(settings.socket, Path::new("/p"));
        assert_eq!(settings.timeout, Duration::from_secs(5));
        assert_eq!(settings.output, Format::Json);
    }

    #[test]
    fn a_person_cannot_allow_what_the_machine_refuses() {
        let machine = file("[cli]\nnumbers_in_arguments = \"refuse\"");
        let person = file("[cli]\nnumbers_in_arguments = \"allow\"");
        let settings = Settings::merge(&global(&[]), person, machine).unwrap();
        assert_eq!(settings.numbers_in_arguments, NumbersInArguments::Refuse);
    }

    #[test]
    fn unknown_keys_and_values_are_refused_with_exit_78() {
        assert!(toml::from_str::<File>("[cli]\nsokcet = \"/x\"").is_err());
        let machine = file("[cli]\noutput = \"xml\"");
        let error = Settings::merge(&global(&[]), Section::default(), machine).unwrap_err();
        assert_eq!(error.exit_code(), 78);
    }
}
