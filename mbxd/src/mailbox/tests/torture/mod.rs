//! The whole service over a disk that fails, forgets and fills up: engine, keys, mailboxes, staff
//! and audit log in one process, a token in software.
//!
//! One [`script`] of an installation's life, a [`ledger`] of what was acknowledged, and one
//! [`check`] of what must hold of any disk that the script left behind. In every run each operation
//! fails once in company (every n-th one, whichever the first), and one of each kind alone; with
//! `MBX_TORTURE=1` each one alone too.

mod check;
mod faults;
mod ledger;
mod machine;
mod power;
mod script;
mod space;

/// Whether everything is to be tried, however long it takes.
fn is_torture() -> bool {
    std::env::var_os("MBX_TORTURE").is_some_and(|value| value == "1")
}
