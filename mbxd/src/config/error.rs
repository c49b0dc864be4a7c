//! What can be wrong with a configuration.

use super::Origin;
use mbx_common::error::Kind;
use std::path::PathBuf;

/// Why the configuration cannot be used. Exit code 78.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is no TOML.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and cause.
        message: String,
    },
    /// A key that no section has.
    #[error("{place}: unknown key `{key}`{}", hint(suggestion.as_deref()))]
    UnknownKey {
        /// Where it stands.
        place: Origin,
        /// The key.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<String>,
    },
    /// A value of the wrong type or form.
    #[error("{place}: {message}")]
    Value {
        /// Where it stands, or the main file.
        place: Origin,
        /// Key and cause.
        message: String,
    },
    /// A value that is well-formed but not allowed.
    #[error("{key}: {message}")]
    Rule {
        /// The key.
        key: &'static str,
        /// What is wrong and what to do.
        message: &'static str,
    },
}

impl ConfigError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        Kind::Usage
    }
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
