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

type Log = LazyLock<Option<Mutex<File>>>;

static LOG: Log = LazyLock::new(|| open("P11FAULT_LOG"));

static SECRETS: Log = LazyLock::new(|| open("P11FAULT_SECRETS"));

/// Adds a line.
pub(crate) fn note(function: &str, code: u64, more: &dyn fmt::Display) {
    add(&LOG, format!("{function} {code:#x} {more}").trim_end());
}

/// Adds a secret in hexadecimal to the file of secrets.
pub(crate) fn note_secret(secret: &[u8]) {
    let mut digits = String::with_capacity(2 * secret.len());
    for byte in secret {
        let _ = fmt::Write::write_fmt(&mut digits, format_args!("{byte:02x}"));
    }
    add(&SECRETS, &digits);
}

fn open(variable: &str) -> Option<Mutex<File>> {
    let path = env::var_os(variable)?;
    OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
}

fn add(log: &Log, line: &str) {
    if let Some(log) = &**log {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written makes the tests that read it fail.
        let _ = writeln!(log, "{line}");
    }
}
