//! The socket in the file system: who may reach it.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Group whose members may use the socket.
const GROUP: &str = "mbxadm";

/// Mode of the socket: owner and group.
const MODE: u32 = 0o660;

/// Why the daemon cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another daemon listens there.
    #[error("another process listens on {}", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket stands there.
    #[error("{} exists and is no socket", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("cannot listen on {}", path.display())]
    Refused {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl BindError {
    /// Whose move it is.
    pub const fn kind(&self) -> mbx_common::error::Kind {
        match self {
            Self::InUse { .. } => mbx_common::error::Kind::Conflict,
            Self::NotASocket { .. } => mbx_common::error::Kind::Usage,
            Self::Refused { .. } => mbx_common::error::Kind::Unavailable,
        }
    }
}

/// Makes the socket with mode 0660 and, where it exists and the process may, the group `mbxadm`.
/// A socket that a former daemon left behind is replaced. With socket activation the service
/// manager did all this already and the daemon takes its listener instead.
///
/// # Errors
/// [`BindError`].
pub fn bind(path: &Path) -> Result<UnixListener, BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Ok(about) if !about.file_type().is_socket() => {
            return Err(BindError::NotASocket { path: path.to_owned() });
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(BindError::InUse { path: path.to_owned() });
        }
        Ok(_) => std::fs::remove_file(path).map_err(refused)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
    }
    let listener = UnixListener::bind(path).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    if let Some(group) = group_id(&groups, GROUP)
        && let Err(error) = std::os::unix::fs::chown(path, None, Some(group))
    {
        tracing::warn!(%error, group = GROUP, "the control socket stays with the daemon's group");
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(refused)?;
    Ok(listener)
}

/// The number of a group in the text of `/etc/group`.
fn group_id(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_for_owner_and_group_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let listener = bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(matches!(bind(&path), Err(BindError::InUse { .. })));
        drop(listener);
        assert!(bind(&path).is_ok(), "a socket left behind is replaced");
    }

    #[test]
    fn a_file_that_is_no_socket_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path), Err(BindError::NotASocket { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let groups = "root:x:0:\nmbxadmin:x:7:\nmbxadm:x:998:anna,bo\n";
        assert_eq!(group_id(groups, "mbxadm"), Some(998));
        assert_eq!(group_id(groups, "mbx"), None);
        assert_eq!(group_id("mbxadm:x:", "mbxadm"), None);
    }
}
