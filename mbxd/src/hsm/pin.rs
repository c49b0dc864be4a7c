//! The memory of a PIN that the token refused: it is not tried again, not even after a restart.
//!
//! Tokens lock after a few wrong PINs, and a service manager restarts a daemon as often as it
//! fails. The file holds a salted, slow hash (`docs/formats/rejected-pin.md`).

use crate::random;
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
const TAG_LEN: usize = 32;
const FILE_LEN: usize = 1 + SALT_LEN + TAG_LEN;

/// Memory of Argon2id, in KiB, passes and lanes (RFC 9106 §4, the smaller of the two choices of
/// OWASP). Part of format version 1.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Whether a PIN may be tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It was not refused before.
    New,
    /// It is the PIN that was refused last.
    Rejected,
    /// What is remembered cannot be read, so that any PIN might be the refused one.
    Unknown,
}

/// The PIN refused last, in memory and, where a path is given, on disk.
#[derive(Debug)]
pub(super) struct RejectedPin {
    path: Option<PathBuf>,
    latest: Mutex<Option<[u8; FILE_LEN]>>,
}

impl RejectedPin {
    /// Remembers in this file; `None` remembers until the process ends.
    pub(super) const fn new(path: Option<PathBuf>) -> Self {
        Self { path, latest: Mutex::new(None) }
    }

    /// Whether this PIN may be tried by itself.
    pub(super) fn judge(&self, pin: &SecretString) -> Verdict {
        let kept = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let record = match kept.map_or_else(|| self.read(), |record| Ok(Some(record))) {
            Ok(None) => return Verdict::New,
            Ok(Some(record)) => record,
            Err(_) => return Verdict::Unknown,
        };
        let [VERSION, rest @ ..] = &record else { return Verdict::Unknown };
        let (salt, tag) = rest.split_at(SALT_LEN);
        match hash(pin, salt) {
            Some(hash) if bool::from(hash.as_slice().ct_eq(tag)) => Verdict::Rejected,
            Some(_) => Verdict::New,
            None => Verdict::Unknown,
        }
    }

    /// Remembers a PIN that the token refused, durably.
    ///
    /// # Errors
    /// Where the file cannot be written; it is remembered in memory all the same.
    pub(super) fn remember(&self, pin: &SecretString) -> io::Result<()> {
        let salt: [u8; SALT_LEN] = random::bytes();
        let tag = hash(pin, &salt).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut record = [VERSION; FILE_LEN];
        let (_, rest) = record.split_at_mut(1);
        let (salt_part, tag_part) = rest.split_at_mut(SALT_LEN);
        salt_part.copy_from_slice(&salt);
        tag_part.copy_from_slice(&tag);
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
        self.path.as_ref().map_or(Ok(()), |path| write(path, &record))
    }

    /// Forgets: the token took a PIN.
    pub(super) fn forget(&self) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the record of a rejected PIN cannot be removed");
        }
    }

    fn read(&self) -> io::Result<Option<[u8; FILE_LEN]>> {
        let Some(path) = &self.path else { return Ok(None) };
        match fs::read(path) {
            Ok(bytes) => bytes.try_into().map(Some).map_err(|_| io::ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn hash(pin: &SecretString, salt: &[u8]) -> Option<[u8; TAG_LEN]> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(TAG_LEN)).ok()?;
    let mut tag = [0; TAG_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(pin.expose_secret().as_bytes(), salt, &mut tag)
        .ok()?;
    Some(tag)
}

/// Writes beside the file and renames, so that a crash leaves the old record or the new one.
fn write(path: &PathBuf, record: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(record)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn a_refused_pin_is_known_again_after_a_restart_and_another_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejected-pin");
        let before = RejectedPin::new(Some(path.clone()));
        assert_eq!(before.judge(&pin("1234")), Verdict::New);
        before.remember(&pin("1234")).unwrap();

        let after = RejectedPin::new(Some(path.clone()));
        assert_eq!(after.judge(&pin("1234")), Verdict::Rejected);
        assert_eq!(after.judge(&pin("1235")), Verdict::New);
        after.forget();
        assert_eq!(RejectedPin::new(Some(path)).judge(&pin("1234")), Verdict::New);
    }

    #[test]
    fn the_file_does_not_hold_the_pin() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejected-pin");
        RejectedPin::new(Some(path.clone())).remember(&pin("90210")).unwrap();
        let bytes = fs::read(path).unwrap();
        assert_eq!(bytes.len(), FILE_LEN);
        assert!(!bytes.windows(5).any(|window| window == b"90210"));
    }

    #[test]
    fn a_record_that_cannot_be_read_admits_no_pin() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejected-pin");
        let mut record = [0; FILE_LEN];
        record[0] = VERSION + 1;
        for bytes in [&record[..], &[VERSION; FILE_LEN - 1], &[]] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(RejectedPin::new(Some(path.clone())).judge(&pin("1")), Verdict::Unknown);
        }
    }
}
