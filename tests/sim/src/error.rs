//! What can go wrong in the simulator.

/// A failure of the simulator itself or of the peer that it talks to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key cannot be made or used.
    #[error("certificate or key: {0}")]
    Certificate(String),
    /// The peer cannot be reached or broke the connection.
    #[error("connection: {0}")]
    Connection(String),
    /// The peer answered something that is no answer of the contract.
    #[error("answer: {0}")]
    Answer(String),
    /// The wrong words on the command line.
    #[error("{0}")]
    Usage(String),
}

impl SimError {
    /// A failure on a file.
    pub fn file(path: impl Into<std::path::PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl From<rcgen::Error> for SimError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

impl From<rustls::Error> for SimError {
    fn from(error: rustls::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}
