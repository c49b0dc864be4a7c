//! Where log lines go and in which form.

use crate::config::{Format, Log};
use std::io::IsTerminal as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// `log.level` is no level and no filter.
    #[error("log.level: not a level or filter such as \"info\" or \"mbxd::delivery=debug,info\"")]
    Level,
    /// The journal's socket cannot be opened.
    #[error("the journal cannot be reached; set log.format to \"text\"")]
    Journal(#[source] std::io::Error),
    /// Logging is set up already.
    #[error("logging is set up already")]
    Twice,
}

/// The PKCS#11 crate logs an error for every mechanism of a token that it has no name for.
const QUIET: &str = "cryptoki=off";

/// Whether logging can be set up like this; sets up nothing.
///
/// # Errors
/// [`TelemetryError`], as [`start`] would say.
pub fn check(log: &Log) -> Result<(), TelemetryError> {
    layer(log).map(drop)
}

/// Sets up logging for the whole process, once.
///
/// # Errors
/// [`TelemetryError`].
pub fn start(log: &Log) -> Result<(), TelemetryError> {
    Registry::default().with(layer(log)?).try_init().map_err(|_| TelemetryError::Twice)
}

fn layer(log: &Log) -> Result<impl Layer<Registry>, TelemetryError> {
    let filter =
        EnvFilter::try_new(format!("{QUIET},{}", log.level)).map_err(|_| TelemetryError::Level)?;
    let layer = match resolve(log.format) {
        Format::Journal => tracing_journald::layer()
            .map_err(TelemetryError::Journal)?
            .with_syslog_identifier("mbxd".to_owned())
            .boxed(),
        Format::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
        Format::Auto | Format::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
    };
    Ok(layer.with_filter(filter))
}

/// What `auto` means here: systemd sets `JOURNAL_STREAM` for what it connects to the journal.
fn resolve(format: Format) -> Format {
    match format {
        Format::Auto if std::env::var_os("JOURNAL_STREAM").is_some() => Format::Journal,
        Format::Auto | Format::Text => Format::Text,
        Format::Journal => Format::Journal,
        Format::Json => Format::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_none_is_refused() {
        let log = Log { level: "mbxd=loud".to_owned(), format: Format::Text };
        assert!(matches!(check(&log), Err(TelemetryError::Level)));
        assert!(matches!(start(&log), Err(TelemetryError::Level)));
    }
}
