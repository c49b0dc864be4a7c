//! `audit verify FILE`: an export, checked without daemon and HSM.

use super::audit_report::report;
use crate::failure::Failure;
use crate::output::Answer;
use mbx_common::audit::checkpoint::{SignedNote, VerifierKey};
use mbx_common::audit::export::files;
use mbx_common::audit::verify::{ExportVerifier, Report, Trust, VerifyError, verify_export};
use mbx_common::control::audit::VerifyReport;
use mbx_common::explain;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// Verifies an export. Without keys from outside those in the export are taken, and the report
/// says so.
pub(super) fn verify(
    file: &Path,
    checkpoint: Option<&str>,
    keys: Option<&str>,
) -> Result<Answer, Failure> {
    let anchors: Vec<SignedNote> = checkpoint.map(read_note).transpose()?.into_iter().collect();
    let keys = keys.map(read_keys).transpose()?.unwrap_or_default();
    let trust = Trust { keys, anchors };
    let checked = if file.is_dir() { folder(file, trust) } else { single(file, trust) };
    match checked {
        Ok(found) => Ok(report(&VerifyReport::from(&found))),
        Err(VerifyError::Read(cause)) => {
            Err(Failure::here(explain::INPUT_MISSING, format!("{}: {cause}", file.display())))
        }
        Err(error) => {
            Err(Failure::here(explain::INPUT_INVALID, format!("{}: {error}", file.display())))
        }
    }
}

fn single(file: &Path, trust: Trust) -> Result<Report, VerifyError> {
    verify_export(BufReader::new(File::open(file)?), trust)
}

/// An export that was unpacked into a folder. A file that is not there becomes a finding.
fn folder(path: &Path, trust: Trust) -> Result<Report, VerifyError> {
    let mut verifier = ExportVerifier::new(trust);
    for name in files::ALL {
        match File::open(path.join(name)) {
            Ok(mut file) => verifier.file(name, &mut file)?,
            Err(error) if error.kind() == ErrorKind::NotFound && name != files::MANIFEST => {}
            Err(error) => return Err(error.into()),
        }
    }
    verifier.finish()
}

fn read_note(text: &str) -> Result<SignedNote, Failure> {
    text.parse().map_err(|_| {
        Failure::here(explain::INPUT_INVALID, "the checkpoint given with --from cannot be read")
    })
}

/// One verifier key per line, as C2SP's signed-note writes them.
fn read_keys(text: &str) -> Result<Vec<VerifierKey>, Failure> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let bad = |_| Failure::here(explain::INPUT_INVALID, "a key given with --keys cannot be read");
    lines.map(|line| line.parse().map_err(bad)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::Command;

    fn export() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/audit-export.tar")
    }

    /// The export as stock tar unpacks it.
    fn unpacked() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let tar = Command::new("tar").arg("xf").arg(export()).arg("-C").arg(dir.path()).status();
        assert!(tar.unwrap().success());
        dir
    }

    #[test]
    fn an_export_is_sound_as_one_file_and_as_a_folder() {
        let dir = unpacked();
        let alone = single(&export(), Trust::default()).unwrap();
        assert!(alone.is_sound(), "{:?}", alone.findings);
        assert_eq!(folder(dir.path(), Trust::default()).unwrap(), alone);
    }

    #[test]
    fn a_folder_with_an_altered_or_missing_file_is_not_sound() {
        let dir = unpacked();
        let path = dir.path().join(files::ENTRIES);
        let text = std::fs::read_to_string(&path).unwrap().replacen("uid 1000", "uid 1001", 1);
        std::fs::write(&path, text).unwrap();
        assert!(!folder(dir.path(), Trust::default()).unwrap().is_sound());
        let dir = unpacked();
        std::fs::remove_file(dir.path().join(files::KEYS)).unwrap();
        assert!(!folder(dir.path(), Trust::default()).unwrap().is_sound());
        std::fs::remove_file(dir.path().join(files::MANIFEST)).unwrap();
        assert!(matches!(folder(dir.path(), Trust::default()), Err(VerifyError::Read(_))));
    }
}
