//! The log of calls: one line per call, in the order in which they returned.
//!
//! ```text
//! C_DecryptInit 0x0 6ba1…e2       function, return code, CKA_ID of the key where there is one
//! C_CloseSession 0xb3 stale       a handle from before the last C_Finalize
//! ```

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::{env, fmt};

static LOG: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let path = env::var_os("P11FAULT_LOG")?;
    OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
});

/// Adds a line.
pub(crate) fn note(function: &str, code: u64, more: &dyn fmt::Display) {
    if let Some(log) = &*LOG {
        let line = format!("{function} {code:#x} {more}");
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written makes the tests that read it fail.
        let _ = writeln!(log, "{}", line.trim_end());
    }
}
