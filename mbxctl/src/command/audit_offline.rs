//! `audit verify FILE`: an export, checked without daemon and HSM.

use crate::failure::Failure;
use crate::output::Answer;
use mbx_common::explain;
use std::path::Path;

/// Verifies an export.
pub(super) fn verify(file: &Path, _checkpoint: Option<&str>) -> Result<Answer, Failure> {
    Err(Failure::here(explain::INPUT_INVALID, format!("{} cannot be read", file.display())))
}
