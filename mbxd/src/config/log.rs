//! `[log]`: what is logged and where to.

use serde::{Deserialize, Serialize};

/// Logging. Personal numbers, subjects and content never reach it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Least severe level that is logged, or a filter per module: `error`, `warn`, `info`,
    /// `debug`, `mbxd::delivery=debug,info`. Default `info`.
    pub level: String,
    /// Where to and in which form. Default `auto`.
    pub format: Format,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The journal with fields where standard error is connected to it, else plain lines.
    #[default]
    Auto,
    /// The systemd journal, with fields.
    Journal,
    /// Plain lines on standard error.
    Text,
    /// One JSON object a line on standard error.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Auto }
    }
}
