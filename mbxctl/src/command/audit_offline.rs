//! `audit verify FILE`: an export, checked without daemon and HSM.

use super::audit::report;
use crate::failure::Failure;
use crate::output::Answer;
use mbx_common::audit::checkpoint::{SignedNote, VerifierKey};
use mbx_common::audit::verify::{Trust, VerifyError, verify_export};
use mbx_common::control::audit::VerifyReport;
use mbx_common::explain;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Verifies an export. Without keys from outside those in the export are taken, and the report
/// says so.
pub(super) fn verify(
    file: &Path,
    checkpoint: Option<&str>,
    keys: Option<&str>,
) -> Result<Answer, Failure> {
    let stream = File::open(file).map_err(|error| {
        Failure::here(explain::INPUT_MISSING, format!("{}: {error}", file.display()))
    })?;
    let anchors: Vec<SignedNote> = checkpoint.map(read_note).transpose()?.into_iter().collect();
    let keys = keys.map(read_keys).transpose()?.unwrap_or_default();
    match verify_export(BufReader::new(stream), Trust { keys, anchors }) {
        Ok(found) => Ok(report(&VerifyReport::from(&found))),
        Err(error @ VerifyError::Read(_)) => {
            Err(Failure::here(explain::INPUT_MISSING, format!("{}: {error}", file.display())))
        }
        Err(error) => {
            Err(Failure::here(explain::INPUT_INVALID, format!("{}: {error}", file.display())))
        }
    }
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
