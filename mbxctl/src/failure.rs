//! Why a command ended without its answer, whatever the cause: code, sentence, next step, exit code.

use mbx_common::control::Problem;
use mbx_common::error::{Code, Kind};
use mbx_common::explain;
use mbx_common::id::RequestId;
use mbx_common::role::Role;

/// A failure as it is shown.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The daemon said no.
    Daemon(Box<Problem>),
    /// mbxctl itself could not.
    Here {
        /// `MBX-nnnn`.
        code: Code,
        /// One sentence, without a full stop.
        message: String,
        /// The next step.
        hint: Option<String>,
    },
    /// A failure that was told already; only the exit code is left.
    Told(u8),
}

impl Failure {
    /// A failure of mbxctl itself.
    pub fn here(code: Code, message: impl Into<String>) -> Self {
        Self::Here { code, message: message.into(), hint: None }
    }

    /// The same with another next step.
    #[must_use]
    pub fn with_hint(self, next: impl Into<String>) -> Self {
        match self {
            Self::Here { code, message, .. } => {
                Self::Here { code, message, hint: Some(next.into()) }
            }
            Self::Daemon(problem) => Self::Daemon(Box::new(problem.hint(next))),
            Self::Told(exit) => Self::Told(exit),
        }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::Daemon(problem) => problem.code,
            Self::Here { code, .. } => *code,
            Self::Told(_) => explain::INTERNAL,
        }
    }

    /// Whose move it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Daemon(problem) => problem.kind,
            Self::Here { code, .. } => {
                explain::of(*code).map_or(Kind::Internal, |entry| entry.kind)
            }
            Self::Told(_) => Kind::Internal,
        }
    }

    /// The sentence. Whatever in it looks like a person's number is masked.
    pub fn message(&self) -> String {
        match self {
            Self::Daemon(problem) => mask(&problem.detail),
            Self::Here { message, .. } => mask(message),
            Self::Told(_) => String::new(),
        }
    }

    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Daemon(problem) => Some(mask(&problem.hint)),
            Self::Here { hint: Some(hint), .. } => Some(mask(hint)),
            Self::Here { code, .. } => {
                explain::of(*code).and_then(|entry| entry.hint).map(str::to_owned)
            }
            Self::Told(_) => None,
        }
    }

    /// The request, where the daemon was asked.
    pub fn request_id(&self) -> Option<RequestId> {
        match self {
            Self::Daemon(problem) => Some(problem.request_id),
            Self::Here { .. } | Self::Told(_) => None,
        }
    }

    /// The roles that the person has, and of which one would do.
    pub fn roles(&self) -> (&[Role], &[Role]) {
        match self {
            Self::Daemon(problem) => (&problem.have, &problem.need),
            Self::Here { .. } | Self::Told(_) => (&[], &[]),
        }
    }

    /// Whether the same command may succeed later.
    pub fn retry(&self) -> bool {
        match self {
            Self::Daemon(problem) => problem.retry,
            Self::Here { .. } | Self::Told(_) => self.kind().may_retry(),
        }
    }

    /// When trying again makes sense, in seconds.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Daemon(problem) => problem.retry_after_s,
            Self::Here { .. } | Self::Told(_) => None,
        }
    }

    /// The exit code: the kind's, but for the few codes that have one of their own.
    pub fn exit_code(&self) -> u8 {
        if let Self::Told(exit) = self {
            return *exit;
        }
        match self.code() {
            explain::INPUT_MISSING => 66,
            explain::OUTPUT_FAILED => 73,
            explain::VERSION_MISMATCH => 76,
            explain::CONFIG_INVALID | explain::CLI_CONFIG => 78,
            explain::ROWS_REFUSED => 3,
            explain::CHECK_FAILED | explain::AUDIT_BROKEN => 1,
            explain::STOPPED => 130,
            _ => self.kind().exit_code(),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Daemon(Box::new(problem))
    }
}

impl From<crate::output::WriteError> for Failure {
    fn from(error: crate::output::WriteError) -> Self {
        match error {
            crate::output::WriteError::Column(error) => {
                Self::here(explain::USAGE, error.to_string())
            }
            crate::output::WriteError::Stream(error) => {
                Self::here(explain::OUTPUT_FAILED, format!("the output cannot be written: {error}"))
            }
        }
    }
}

/// Masks every run of digits that could be a person's number: errors may repeat what was typed.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        let person = run.len() == 12 && ["18", "19", "20"].iter().any(|c| run.starts_with(c));
        if person {
            out.extend(run.chars().take(8));
            out.push_str("-••••");
        } else {
            out.push_str(&run);
        }
        run.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_number_is_masked_wherever_it_stands() {
        assert_eq!(mask("unexpected '191212121212'"), "unexpected '19121212-••••'");
        assert_eq!(mask("162021004748 and 20261124"), "162021004748 and 20261124");
        assert_eq!(mask("191212121212"), "19121212-••••");
    }

    #[test]
    fn codes_with_an_exit_code_of_their_own_keep_it() {
        for (code, exit) in [
            (explain::INPUT_MISSING, 66),
            (explain::VERSION_MISMATCH, 76),
            (explain::CLI_CONFIG, 78),
            (explain::STOPPED, 130),
            (explain::ROLE_MISSING, 77),
            (explain::NO_DAEMON, 69),
        ] {
            assert_eq!(Failure::here(code, "").exit_code(), exit, "{code}");
        }
    }
}
