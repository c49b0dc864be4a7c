//! Keeps secrets in memory out of reach of debuggers and core dumps.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::io;

/// No core dump, no attaching by others of the same user (K5.4 b).
///
/// # Errors
/// Where the system refuses; the daemon does not start then.
pub(super) fn forbid_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
