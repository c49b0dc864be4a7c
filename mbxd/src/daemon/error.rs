//! Why the daemon does not start, or ends.

use super::credential::CredentialError;
use super::tasks::TaskEnded;
use crate::config::ConfigError;
use crate::{control, hsm, keys, store, telemetry, trust};
use mbx_common::error::Kind;
use std::io;
use std::path::PathBuf;

/// Why the daemon does not start. Each has an exit code that the unit knows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that the configuration names, or a rule between its keys.
    #[error("{0}")]
    Setting(String),
    /// Logging.
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    /// A credential.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Core dumps cannot be forbidden.
    #[error("core dumps cannot be forbidden")]
    Lockdown(#[source] io::Error),
    /// The state folder.
    #[error("cannot use the state folder {}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] store::embedded::OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] store::ReadError),
    /// The start cannot be written into the audit log.
    #[error("the audit log cannot be written")]
    Audit(#[from] store::CommitError),
    /// The token's room.
    #[error(transparent)]
    Hsm(#[from] hsm::StartError),
    /// The keys' room.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// Certificates.
    #[error(transparent)]
    Trust(#[from] trust::TrustError),
    /// A room refuses its settings or its stored rows.
    #[error("{0}")]
    Room(String),
    /// The control socket cannot be made.
    #[error(transparent)]
    Control(#[from] control::BindError),
    /// A socket that the service manager passed cannot be used.
    #[error("cannot use the socket \"{name}\" that the service manager passed")]
    Socket {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A door cannot listen.
    #[error("cannot listen on {place}")]
    Listen {
        /// Where.
        place: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A task ended while the daemon ran.
    #[error(transparent)]
    Task(#[from] TaskEnded),
    /// The runtime cannot be started.
    #[error("cannot start threads")]
    Runtime(#[source] io::Error),
}

impl StartError {
    /// The exit code, as mbxd(8) lists it. The unit does not restart after 64, 65, 77 and 78.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::Setting(_)
            | Self::Telemetry(_)
            | Self::Hsm(_)
            | Self::Socket { .. } => 78,
            Self::Trust(error) if error.kind() == Kind::Usage => 78,
            Self::Control(error) if error.kind() == Kind::Usage => 78,
            Self::Credential(_) => 77,
            Self::State { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => 77,
            Self::Store(store::embedded::OpenError::InUse) => 75,
            Self::Store(error) if error.kind() != Kind::Unavailable => 65,
            Self::Keys(error) if error.kind() == Kind::Corrupt => 65,
            Self::Read(error) if error.kind() == Kind::Corrupt => 65,
            Self::Store(_)
            | Self::State { .. }
            | Self::Read(_)
            | Self::Audit(_)
            | Self::Keys(_)
            | Self::Trust(_)
            | Self::Control(_)
            | Self::Listen { .. } => 69,
            Self::Lockdown(_) | Self::Room(_) | Self::Task(_) | Self::Runtime(_) => 70,
        }
    }
}
