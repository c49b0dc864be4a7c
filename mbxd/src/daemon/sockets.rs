//! Sockets that the service manager opened and passed on, by their names
//! (`sd_listen_fds_with_names(3)`): a door below port 1024 needs no capability then, and nobody is
//! turned away while the daemon restarts.

use super::error::StartError;
use listenfd::ListenFd;
use std::io;

/// The names, as `FileDescriptorName=` of the units writes them.
pub(super) const CONTROL: &str = "control";
pub(super) const DELIVERY: &str = "delivery";
pub(super) const PORTAL: &str = "portal";

/// What was passed and not taken yet.
pub(super) struct Sockets {
    passed: ListenFd,
    /// The name of each, in their order; empty once it is taken.
    names: Vec<String>,
}

impl Sockets {
    /// Takes over what was passed to this process. To be called once, before there are threads:
    /// the environment is changed.
    pub(super) fn from_environment() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let passed = ListenFd::from_env();
        let names = match passed.len() {
            0 => Vec::new(),
            _ => names.split(':').map(str::to_owned).collect(),
        };
        Self { passed, names }
    }

    /// The TCP listener of this name, where there is one.
    ///
    /// # Errors
    /// [`StartError::Socket`] where it is something else.
    pub(super) fn tcp(&mut self, name: &str) -> Result<Option<std::net::TcpListener>, StartError> {
        let taken = self.take(name, ListenFd::take_tcp_listener)?;
        taken.map_or(Ok(None), |listener| {
            listener.set_nonblocking(true).map_err(|source| unusable(name, source))?;
            Ok(Some(listener))
        })
    }

    /// The Unix listener of this name, where there is one.
    ///
    /// # Errors
    /// [`StartError::Socket`] where it is something else.
    pub(super) fn unix(
        &mut self,
        name: &str,
    ) -> Result<Option<std::os::unix::net::UnixListener>, StartError> {
        let taken = self.take(name, ListenFd::take_unix_listener)?;
        taken.map_or(Ok(None), |listener| {
            listener.set_nonblocking(true).map_err(|source| unusable(name, source))?;
            Ok(Some(listener))
        })
    }

    /// Whether everything was taken: a socket that nobody serves would let callers wait for ever.
    ///
    /// # Errors
    /// [`StartError::Socket`], the first that was not.
    pub(super) fn all_taken(&self) -> Result<(), StartError> {
        match self.names.iter().find(|name| !name.is_empty()) {
            None => Ok(()),
            Some(name) => {
                let known =
                    format!("FileDescriptorName= is {CONTROL}, {DELIVERY} or {PORTAL}, once each");
                Err(unusable(name, io::Error::other(known)))
            }
        }
    }

    fn take<T>(
        &mut self,
        name: &str,
        take: impl FnOnce(&mut ListenFd, usize) -> io::Result<Option<T>>,
    ) -> Result<Option<T>, StartError> {
        let Some(place) = self.names.iter().position(|passed| passed == name) else {
            return Ok(None);
        };
        let taken = take(&mut self.passed, place).map_err(|source| unusable(name, source))?;
        if let Some(name) = self.names.get_mut(place) {
            name.clear();
        }
        Ok(taken)
    }
}

fn unusable(name: &str, source: io::Error) -> StartError {
    StartError::Socket { name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_passed_nothing_is_taken() {
        let mut none = Sockets { passed: ListenFd::empty(), names: Vec::new() };
        assert!(none.tcp(DELIVERY).unwrap().is_none());
        assert!(none.unix(CONTROL).unwrap().is_none());
        assert!(none.all_taken().is_ok());
    }

    #[test]
    fn a_socket_of_another_name_is_refused_instead_of_left_unserved() {
        let names = vec!["mbxd.socket".to_owned()];
        let mut odd = Sockets { passed: ListenFd::empty(), names };
        assert!(odd.unix(CONTROL).unwrap().is_none());
        let error = odd.all_taken().unwrap_err();
        assert!(error.to_string().contains("mbxd.socket"), "{error}");
        assert_eq!(error.exit_code(), 78);
    }
}
