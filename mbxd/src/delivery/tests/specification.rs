//! The infrastructure's specification, where the machine has it: schemas and genuine samples.

use std::path::PathBuf;

/// A file or folder of the specification: in `MBX_SPEC_DIR`, else in `../shared/spec` beside the
/// checkout. It is no part of this tree: where it is not beside it, the test says so and passes.
/// Where the variable says that it is there, it must be.
pub(in crate::delivery) fn specification(name: &str) -> Option<PathBuf> {
    let told = std::env::var_os("MBX_SPEC_DIR").map(PathBuf::from);
    let is_told = told.is_some();
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/spec"));
    let path = told.unwrap_or_else(beside).join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(!is_told, "MBX_SPEC_DIR is set, but there is no {}", path.display());
    println!("skipped: no {}", path.display());
    None
}
