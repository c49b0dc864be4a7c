//! The admin command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    mbxctl::run(std::env::args_os())
}
