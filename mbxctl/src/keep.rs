//! The session token between commands: a file of the person's own, mode 0600.

use crate::failure::Failure;
use mbx_common::control::session::Password;
use mbx_common::explain;
use mbx_common::id::write_hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What is kept of a session.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Kept {
    /// What proves the session.
    pub(crate) token: Password,
    /// Login name, for messages.
    pub(crate) name: String,
    /// Whether the hint about numbers in arguments was given.
    #[serde(default)]
    pub(crate) number_hint_given: bool,
}

/// The place where the session of one socket is kept.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    file: Option<PathBuf>,
}

impl Keeper {
    /// The place for this socket: below `$XDG_RUNTIME_DIR`, else `~/.local/state`.
    pub(crate) fn of(socket: &Path) -> Self {
        let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = from("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .or_else(|| from("XDG_STATE_HOME").map(PathBuf::from))
            .or_else(|| from("HOME").map(|home| PathBuf::from(home).join(".local/state")));
        Self { file: folder.map(|folder| folder.join("mbxctl").join(file_name(socket))) }
    }

    /// The kept session, where there is one. A file that others may read is not used.
    pub(crate) fn load(&self) -> Option<Kept> {
        let file = self.file.as_deref()?;
        let about = fs::metadata(file).ok()?;
        if about.mode() & 0o077 != 0 {
            return None;
        }
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }

    /// Keeps a session, in place of any other.
    ///
    /// # Errors
    /// `MBX-1013` where it cannot be written.
    pub(crate) fn save(&self, kept: &Kept) -> Result<(), Failure> {
        let Some(file) = self.file.as_deref() else {
            return Err(cannot("neither XDG_RUNTIME_DIR nor HOME is set"));
        };
        if let Some(folder) = file.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| cannot(&format!("{}: {error}", folder.display())))?;
        }
        let text = serde_json::to_vec(kept).map_err(|error| cannot(&error.to_string()))?;
        let next = file.with_extension("new");
        let written = fs::remove_file(&next).or_else(ignore_missing).and_then(|()| {
            let mut stream =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
            stream.write_all(&text)?;
            fs::rename(&next, file)
        });
        written.map_err(|error| cannot(&format!("{}: {error}", file.display())))
    }

    /// Forgets the session.
    pub(crate) fn forget(&self) {
        if let Some(file) = self.file.as_deref() {
            fs::remove_file(file).unwrap_or_default();
        }
    }
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn cannot(why: &str) -> Failure {
    Failure::here(explain::OUTPUT_FAILED, format!("the session cannot be kept: {why}"))
}

/// `session-` and eight digits that stand for the socket: two daemons do not mix.
fn file_name(socket: &Path) -> String {
    struct Short([u8; 4]);
    impl std::fmt::Display for Short {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write_hex(f, &self.0)
        }
    }
    let digest: [u8; 32] = Sha256::digest(socket.as_os_str().as_encoded_bytes()).into();
    let [a, b, c, d, ..] = digest;
    format!("session-{}.json", Short([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(folder: &str) -> Keeper {
        let folder = std::env::temp_dir().join(format!("mbxctl-{folder}-{}", std::process::id()));
        Keeper { file: Some(folder.join("session.json")) }
    }

    fn kept() -> Kept {
        Kept { token: Password::new("t0k".into()), name: "anna".into(), number_hint_given: false }
    }

    #[test]
    fn a_session_is_kept_for_its_owner_alone_and_forgotten() {
        let keeper = keeper("keep");
        keeper.save(&kept()).unwrap();
        keeper.save(&kept()).unwrap();
        let file = keeper.file.clone().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(keeper.load().unwrap().token.expose(), "t0k");
        keeper.forget();
        assert!(keeper.load().is_none());
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        let keeper = keeper("open");
        keeper.save(&kept()).unwrap();
        let file = keeper.file.clone().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&file, mode).unwrap();
        assert!(keeper.load().is_none());
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[test]
    fn two_sockets_have_two_files() {
        assert_ne!(file_name(Path::new("/a")), file_name(Path::new("/b")));
    }
}
