//! Asking people, where there are any: secrets without echo, yes or no.

use crate::failure::Failure;
use mbx_common::control::session::Password;
use mbx_common::explain;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use zeroize::{Zeroize as _, Zeroizing};

/// Longest secret or number read from a file or pipe, in bytes.
const INPUT_LEN_MAX: u64 = 4096;

/// Whether somebody can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prompt {
    /// `--no-input`.
    pub(crate) no_input: bool,
    /// `--yes`.
    pub(crate) yes: bool,
}

impl Prompt {
    /// Whether a question can be answered: a terminal to read from and to ask on.
    pub(crate) fn can_ask(self) -> bool {
        !self.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// A secret: from the file where one is named, else asked for without echo.
    ///
    /// # Errors
    /// `MBX-1022` naming the flag where nobody can be asked; `MBX-1011` for the file.
    pub(crate) fn secret(
        self,
        question: &str,
        file: Option<&Path>,
        flag: &str,
    ) -> Result<Password, Failure> {
        if let Some(file) = file {
            return secret_file(file);
        }
        if self.no_input || !io::stderr().is_terminal() {
            let message = format!("{question} is needed and nobody can be asked");
            return Err(Failure::here(explain::NO_TERMINAL_FOR_SECRET, message)
                .with_hint(format!("give {flag}")));
        }
        rpassword::prompt_password(format!("{question}: ")).map(Password::new).map_err(|error| {
            Failure::here(
                explain::NO_TERMINAL_FOR_SECRET,
                format!("the terminal cannot be read: {error}"),
            )
            .with_hint(format!("give {flag}"))
        })
    }

    /// A new secret, asked for twice.
    ///
    /// # Errors
    /// As [`Prompt::secret`]; `MBX-1015` where the two differ.
    pub(crate) fn new_secret(
        self,
        question: &str,
        file: Option<&Path>,
        flag: &str,
    ) -> Result<Password, Failure> {
        let first = self.secret(question, file, flag)?;
        if file.is_none() {
            let second = self.secret(&format!("{question} again"), None, flag)?;
            if first.expose() != second.expose() {
                return Err(Failure::here(explain::NOT_CONFIRMED, "the two passwords differ"));
            }
        }
        Ok(first)
    }

    /// A national number: hidden from a terminal, else the first line of stdin.
    ///
    /// # Errors
    /// `MBX-1014` where nobody can be asked; `MBX-1011` where stdin cannot be read.
    pub(crate) fn number(self) -> Result<String, Failure> {
        if io::stdin().is_terminal() {
            if self.no_input {
                return Err(Failure::here(
                    explain::INPUT_NEEDED,
                    "the national number is needed and nobody can be asked",
                )
                .with_hint("pipe the number in, or name a mailbox id"));
            }
            let asked = self.secret("National number (input hidden)", None, "a mailbox id")?;
            return Ok(asked.expose().trim().to_owned());
        }
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().take(INPUT_LEN_MAX).read_line(&mut line).map_err(|error| {
            Failure::here(explain::INPUT_MISSING, format!("stdin cannot be read: {error}"))
        })?;
        Ok(line.trim().to_owned())
    }

    /// A fact that is no secret, asked for on a terminal.
    ///
    /// # Errors
    /// `MBX-1014` naming the flag where nobody can be asked.
    pub(crate) fn line(self, question: &str, flag: &str) -> Result<String, Failure> {
        if !self.can_ask() {
            let text = format!("{flag} is needed and nobody can be asked");
            return Err(
                Failure::here(explain::INPUT_NEEDED, text).with_hint(format!("give {flag}"))
            );
        }
        let mut err = io::stderr().lock();
        let asked = write!(err, "{question}: ").and_then(|()| err.flush());
        let mut line = String::new();
        asked.and_then(|()| io::stdin().lock().take(INPUT_LEN_MAX).read_line(&mut line)).map_err(
            |error| Failure::here(explain::INPUT_MISSING, format!("stdin cannot be read: {error}")),
        )?;
        Ok(line.trim().to_owned())
    }

    /// Asks before an act: yes, or an error.
    ///
    /// # Errors
    /// `MBX-1014` naming `--yes` where nobody can be asked; `MBX-1015` where the answer is no.
    pub(crate) fn confirm(self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !self.can_ask() {
            return Err(Failure::here(
                explain::INPUT_NEEDED,
                "this asks before it acts, and nobody can be asked",
            )
            .with_hint("give --yes"));
        }
        let mut err = io::stderr().lock();
        let asked = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
        let mut answer = String::new();
        let read =
            asked.and_then(|()| io::stdin().lock().take(INPUT_LEN_MAX).read_line(&mut answer));
        let yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes");
        if yes {
            Ok(())
        } else {
            Err(Failure::here(explain::NOT_CONFIRMED, "not confirmed; nothing was changed"))
        }
    }
}

/// A secret from a file: its first line, line end dropped.
fn secret_file(file: &Path) -> Result<Password, Failure> {
    let missing = |error: io::Error| {
        Failure::here(explain::INPUT_MISSING, format!("{}: {error}", file.display()))
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let stream = std::fs::File::open(file).map_err(missing)?;
    stream.take(INPUT_LEN_MAX).read_to_end(&mut bytes).map_err(missing)?;
    let mut text = String::from_utf8(bytes.to_vec()).map_err(|error| {
        error.into_bytes().zeroize();
        Failure::here(explain::INPUT_INVALID, format!("{} is not UTF-8 text", file.display()))
    })?;
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    text.truncate(end);
    Ok(Password::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_person_to_ask_the_missing_flag_is_named() {
        let prompt = Prompt { no_input: true, yes: false };
        let error = prompt.confirm("Suspend it?").unwrap_err();
        assert_eq!((error.exit_code(), error.hint()), (64, Some("give --yes".to_owned())));
        let error = prompt.secret("Password", None, "--password-file FILE").unwrap_err();
        assert_eq!(error.hint(), Some("give --password-file FILE".to_owned()));
        let error = prompt.line("Level", "--loa 2|3|4").unwrap_err();
        assert_eq!((error.exit_code(), error.hint()), (64, Some("give --loa 2|3|4".to_owned())));
        assert!(Prompt { no_input: true, yes: true }.confirm("?").is_ok());
    }

    #[test]
    fn a_secret_file_gives_its_first_line_and_a_missing_one_exits_66() {
        let file = std::env::temp_dir().join(format!("mbxctl-secret-{}", std::process::id()));
        std::fs::write(&file, "correct horse\nsecond line\n").unwrap();
        assert_eq!(secret_file(&file).unwrap().expose(), "correct horse");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(secret_file(&file).unwrap_err().exit_code(), 66);
    }
}
